/** Relay connections: a page of nodes with cursors, and the total count if the client selects it. */

import { Field, ID, Int, InterfaceType, ObjectType } from 'type-graphql';
import type { PageOf } from '../../store/read/filters';

@ObjectType({ description: 'Position of a page in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more entries follow this page.' })
  readonly hasNextPage: boolean;

  @Field(() => Boolean, { description: 'Whether entries precede this page.' })
  readonly hasPreviousPage: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the first entry on the page. Null if the page is empty.',
  })
  readonly startCursor: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the last entry on the page. Null if the page is empty.',
  })
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
  /** Runs a separate statement. Called only if the client selects the field. */
  totalCount(): Promise<number>;
}

/** GraphQL type of a connection, and its constructor from a page of rows. */
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
 * Declares `<name>Connection` and `<name>Edge`. Call it once per type, at the top level of a module.
 *
 * @param plural - Plural for descriptions, for example `users`.
 * @param toCursor - Cursor of a node. Default: its position in the list.
 */
export function createConnectionType<Node extends object>(
  name: string,
  plural: string,
  nodeType: () => new (...args: never[]) => Node,
  toCursor?: (node: Node) => string,
): ConnectionFactory<Node> {
  const noun = name.replace(/(?<!^)[A-Z]/g, ' $&').toLowerCase(); // StatusChange: status change
  @ObjectType(`${name}Edge`, { description: `An entry of a page of ${plural}.` })
  class EdgeType implements Edge<Node> {
    @Field(nodeType, { description: `The ${noun}.` })
    readonly node: Node;

    @Field(() => String, { description: 'Position in this list, for `after` and `before`.' })
    readonly cursor: string;

    constructor(node: Node, cursor: string) {
      this.node = node;
      this.cursor = cursor;
    }
  }

  @ObjectType(`${name}Connection`, { description: `A page of ${plural}.` })
  class ConnectionType implements Connection<Node> {
    @Field(() => [EdgeType], { description: 'Entries of the page, with cursors.' })
    readonly edges: readonly EdgeType[];

    @Field(() => [nodeType()], { description: 'Entries of the page, without cursors.' })
    readonly nodes: readonly Node[];

    @Field(() => PageInfo, { description: 'Position of the page in the list.' })
    readonly pageInfo: PageInfo;

    readonly #count: () => Promise<number>;

    constructor(edges: readonly EdgeType[], pageInfo: PageInfo, count: () => Promise<number>) {
      this.edges = edges;
      this.nodes = edges.map((edge) => edge.node);
      this.pageInfo = pageInfo;
      this.#count = count;
    }

    @Field(() => Int, {
      description: 'Number of entries on all pages. Counted only if you select this field.',
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
        return new EdgeType(node, toCursor ? toCursor(node) : cursor);
      });
      return new ConnectionType(edges, new PageInfo(page, edges), count);
    },
  };
}

@InterfaceType('Node', { description: 'An object that `node` can fetch by its ID.' })
export abstract class Node {
  @Field(() => ID, { description: 'Opaque, permanent ID.' })
  readonly id!: string;
}
