/** `kyc-gateway schema`: prints the GraphQL schema. */

import type { Command } from 'commander';
import { createSchema, printSdl } from '../../graphql/schema';
import { PROVIDERS } from '../../providers/registry';
import type { CliContext } from '../context';

export function addSchema(program: Command, context: CliContext): void {
  program
    .command('schema')
    .description('Print the GraphQL schema as SDL. Requires no configuration.')
    .action(() => context.print(printSdl(createSchema(PROVIDERS)).trimEnd()));
}
