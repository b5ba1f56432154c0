/** Relay connections: a page of things, how to go on, and how many there are if somebody asks. */

import { Field, Int, ObjectType } from 'type-graphql';
import type { PageOf } from '../../store/read/filters';

@ObjectType({ description: 'Where a page stands in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more follows this page.' })
  readonly hasNextPage: boolean;

  @Field(() => Boolean, { description: 'Whether something precedes this page.' })
  readonly hasPreviousPage: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first thing on the page.' })
  readonly startCursor: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last thing on the page.' })
  readonly endCursor: string | null;

  constructor(
    page: Pick<PageOf<unknown>, 'hasNextPage' | 'hasPreviousPage'>,
    edges: readonly Pick<Edge<unknown>, 'cursor'>[],
  ) {
    this.hasNextPage = page.hasNextPage;
    this.hasPreviousPage = page.hasPreviousPage;
    this.startCursor = edges[0]?.cursor ?? null;
    this.endCursor = edges.at(-1)?.cursor ?? null;
  }
}

export interface Edge<Node> {
  readonly node: Node;
  readonly cursor: string;
}

export interface Connection<Node> {
  readonly edges: readonly Edge<Node>[];
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
  /** Runs a statement of its own, and only when the field was asked for. */
  totalCount(): Promise<number>;
}

/** One kind of connection: its GraphQL type, and how one is made of a page of rows. */
export interface ConnectionFactory<Node> {
  /** For `@Query(() => …)`. */
  readonly type: new (
    ...args: never[]
  ) => Connection<Node>;
  create<Row>(
    page: PageOf<Row>,
    toNode: (row: Row) => Node,
    count: () => Promise<number>,
  ): Connection<Node>;
}

/**
 * Declares `<name>Connection` and `<name>Edge`. To be called once per type, where a module is loaded, like a decorator.
 *
 * @param things - The plural for people, e.g. `users`.
 * @param cursorOf - Cursor of a node. By default, its place in the list.
 */
export function createConnectionType<Node extends object>(
  name: string,
  things: string,
  nodeType: () => new (...args: never[]) => Node,
  cursorOf?: (node: Node) => string,
): ConnectionFactory<Node> {
  @ObjectType(`${name}Edge`, { description: `One of the ${things} on a page, and its place.` })
  class EdgeType implements Edge<Node> {
    @Field(nodeType, { description: `The ${name} itself.` })
    readonly node: Node;

    @Field(() => String, { description: 'Its place in this list, for `after` and `before`.' })
    readonly cursor: string;

    constructor(node: Node, cursor: string) {
      this.node = node;
      this.cursor = cursor;
    }
  }

  @ObjectType(`${name}Connection`, { description: `A page of ${things}.` })
  class ConnectionType implements Connection<Node> {
    @Field(() => [EdgeType], { description: 'What is on the page, with cursors.' })
    readonly edges: readonly EdgeType[];

    @Field(() => [nodeType()], { description: 'What is on the page, without cursors.' })
    readonly nodes: readonly Node[];

    @Field(() => PageInfo, { description: 'How to go on from this page.' })
    readonly pageInfo: PageInfo;

    readonly #count: () => Promise<number>;

    constructor(edges: readonly EdgeType[], pageInfo: PageInfo, count: () => Promise<number>) {
      this.edges = edges;
      this.nodes = edges.map((edge) => edge.node);
      this.pageInfo = pageInfo;
      this.#count = count;
    }

    @Field(() => Int, {
      description: 'How many there are on all pages together. Counted only when asked for.',
    })
    totalCount(): Promise<number> {
      return this.#count();
    }
  }

  return {
    type: ConnectionType,
    create(page, toNode, count) {
      const edges = page.rows.map(({ row, cursor }) => {
        const node = toNode(row);
        return new EdgeType(node, cursorOf ? cursorOf(node) : cursor);
      });
      return new ConnectionType(edges, new PageInfo(page, edges), count);
    },
  };
}
