/** To be imported before all else: with it the GraphQL library checks types as quickly as it does for users. */

process.env.NODE_ENV = 'production';
