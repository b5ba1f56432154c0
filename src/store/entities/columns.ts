/**
 * Tables, columns and conversions, derived once from the decorators of the entities. Statements and readers take names from
 * here, so the entity is the only place that pairs a property with its column.
 */

import { type ColumnType, getMetadataArgsStorage } from 'typeorm';
import { InvariantError } from '../../domain/errors';

/** A value of a column. Objects are stored as JSON. */
export type Value = string | number | boolean | Buffer | object | null;

/** Conversion of a value that is read. Engines may return booleans as numbers and JSON as text. */
type Conversion = 'BOOLEAN' | 'JSON' | 'DATE' | 'BYTES' | null;

export interface Column<Property extends string = string> {
  readonly property: Property;
  readonly name: string;
  readonly conversion: Conversion;
}

export interface Table<Entity> {
  readonly name: string;
  /** In the order of declaration. */
  readonly columns: readonly Column<PropertyOf<Entity>>[];
  /** Names of the columns of the primary key. */
  readonly key: readonly string[];
}

export type EntityClass<Entity> = new () => Entity;

/** Properties of an entity that are columns. Relations are optional and excluded. */
export type PropertyOf<Entity> = {
  [Property in keyof Entity]-?: undefined extends Entity[Property] ? never : Property;
}[keyof Entity] &
  string;

/** A row with all columns of an entity. */
export type RowOf<Entity> = { readonly [Property in PropertyOf<Entity>]: Entity[Property] };

/** A row in which some timestamps are dates. */
export type WithDates<Row, Property> = {
  readonly [P in keyof Row]: P extends Property
    ? Row[P] extends string
      ? Date
      : Date | null
    : Row[P];
};

/** Returns the table of an entity class, which must have the `@Entity` decorator. */
export function getTable<Entity>(entity: EntityClass<Entity>): Table<Entity> {
  const storage = getMetadataArgsStorage();
  const name = storage.tables.find(({ target }) => target === entity)?.name;
  if (name === undefined) throw new InvariantError(`Class ${entity.name} is not an entity`);
  const declared = storage.filterColumns(entity);
  const toName = ({ propertyName, options }: (typeof declared)[number]) =>
    options.name ?? propertyName;
  return {
    name,
    columns: declared.map((column) => ({
      property: column.propertyName as PropertyOf<Entity>,
      name: toName(column),
      conversion: toConversion(column.options.type),
    })),
    key: declared.filter(({ options }) => options.primary).map(toName),
  };
}

function toConversion(type: ColumnType | undefined): Conversion {
  if (type === 'boolean') return 'BOOLEAN';
  if (type === 'simple-json') return 'JSON';
  return type === 'blob' ? 'BYTES' : null;
}

/** Columns by property, for conditions: `getNames(AttemptEntity, 'a').startedAt` is `a.started_at`. */
export function getNames<Entity>(
  entity: EntityClass<Entity>,
  alias?: string,
): Readonly<Record<PropertyOf<Entity>, string>> {
  const prefix = alias === undefined ? '' : `${alias}.`;
  return Object.fromEntries(
    getTable(entity).columns.map(({ property, name }) => [property, `${prefix}${name}`]),
  ) as Record<PropertyOf<Entity>, string>;
}

/** Selects columns of an entity. Default: all. */
export interface ColumnChoice<Property> {
  readonly only?: readonly Property[];
  readonly except?: readonly Property[];
}

type Chosen<Entity, Choice> = Choice extends { readonly only: readonly (infer Only)[] }
  ? Only & PropertyOf<Entity>
  : Choice extends { readonly except: readonly (infer Except)[] }
    ? Exclude<PropertyOf<Entity>, Except>
    : PropertyOf<Entity>;

/** Returns the selected columns, in the order of declaration. */
export function getColumns<Entity>(
  entity: EntityClass<Entity>,
  { only, except = [] }: ColumnChoice<PropertyOf<Entity>> = {},
): readonly Column<PropertyOf<Entity>>[] {
  return getTable(entity).columns.filter(
    ({ property }) => (only?.includes(property) ?? true) && !except.includes(property),
  );
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface RowReader<Row> {
  /** Column list of a SELECT. */
  readonly select: string;
  /** Converts a selected row. Ignores other columns. */
  toRow(selected: object): Row;
}

export interface ReadChoice<Property> extends ColumnChoice<Property> {
  /** Timestamps to read as dates. */
  readonly dates?: readonly Property[];
  /** Expressions that are not columns of the entity, by property. The declaration of the reader gives their types. */
  readonly computed?: Readonly<Record<string, string>>;
}

type ReadRow<Entity, Choice> = WithDates<
  Pick<RowOf<Entity>, Chosen<Entity, Choice>>,
  Choice extends { readonly dates: readonly (infer Dates)[] } ? Dates : never
> &
  (Choice extends { readonly computed: infer Computed }
    ? { readonly [Property in keyof Computed]: never }
    : unknown);

/** @param choice - Must be a literal, because it determines the type of the row. */
export function createRowReader<
  Entity,
  const Choice extends ReadChoice<PropertyOf<Entity>> = ReadChoice<never>,
>(entity: EntityClass<Entity>, alias: string, choice?: Choice): RowReader<ReadRow<Entity, Choice>> {
  const { dates = [], computed = {} } = choice ?? {};
  const columns: Column[] = [
    ...readAsDates(getColumns(entity, choice), dates),
    ...Object.keys(computed).map((name) => ({ property: name, name, conversion: null })),
  ];
  return {
    select: columns
      .map(({ name }) =>
        computed[name] === undefined ? `${alias}.${name}` : `${computed[name]} AS "${name}"`,
      )
      .join(', '),
    toRow(selected) {
      const row: Record<string, unknown> = {};
      for (const { property, name, conversion } of columns) {
        row[property] = convert((selected as Record<string, unknown>)[name], conversion);
      }
      return row as never;
    },
  };
}

/** A property and the expression of its column. */
export type PropertyColumn = readonly [property: string, expression: string];

/** Chosen columns as pairs, for statements that return rows by property. */
export function getPropertyColumns<Entity>(
  entity: EntityClass<Entity>,
  alias: string,
  choice?: ColumnChoice<PropertyOf<Entity>>,
): readonly PropertyColumn[] {
  return getColumns(entity, choice).map(({ property, name }) => [property, `${alias}.${name}`]);
}

/** Column list of a SELECT that returns rows by property. */
export function toSelectList(columns: readonly PropertyColumn[]): string {
  return columns.map(([property, expression]) => `${expression} AS "${property}"`).join(', ');
}

/**
 * Returns a function that converts, in place, a row by property. It avoids a copy of each row of a large history. `Row` is
 * the type after the conversion.
 *
 * @param dates - Timestamps to read as dates.
 */
export function createConverter<Entity>(
  entity: EntityClass<Entity>,
  dates: readonly PropertyOf<Entity>[] = [],
): <Row extends object>(row: Row) => Row {
  const columns = readAsDates(getTable(entity).columns, dates).filter(
    ({ conversion }) => conversion !== null && conversion !== 'BYTES',
  );
  return (row) => {
    const values = row as Record<string, unknown>;
    for (const { property, conversion } of columns) {
      values[property] = convert(values[property], conversion);
    }
    return row;
  };
}

function readAsDates<Property extends string>(
  columns: readonly Column<Property>[],
  dates: readonly Property[],
): readonly Column<Property>[] {
  return columns.map((column) =>
    dates.includes(column.property) ? { ...column, conversion: 'DATE' } : column,
  );
}

function convert(value: unknown, conversion: Conversion): unknown {
  switch (conversion) {
    case 'BOOLEAN':
      return Boolean(value);
    case 'JSON':
      return typeof value === 'string' ? JSON.parse(value) : value;
    case 'DATE':
      return value === null ? null : new Date(value as string);
    default:
      return value;
  }
}

// ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Columns to write and the value of each for a row. */
export interface RowWriter<Row> {
  readonly table: string;
  readonly columns: readonly Column[];
  /** Names of the columns of the primary key. */
  readonly key: readonly string[];
  /** In the order of `columns`. */
  toValues(row: Row): readonly Value[];
}

type Getters<Entity, Row> = {
  readonly [Property in PropertyOf<Entity>]?: (row: Row) => RowOf<Entity>[Property];
};

/**
 * @param getSource - Returns the object with the properties that have no getter. A copy with all properties takes thirty
 *   times as long.
 * @param getters - Values of the other properties.
 */
export function createRowWriter<
  Entity,
  Row,
  Overridden extends Getters<Entity, Row>,
  const Choice extends ColumnChoice<PropertyOf<Entity>> = ColumnChoice<never>,
>(
  entity: EntityClass<Entity>,
  getSource: (row: Row) => Pick<RowOf<Entity>, Exclude<Chosen<Entity, Choice>, keyof Overridden>>,
  getters: Overridden,
  choice?: Choice,
): RowWriter<Row> {
  const { name, key } = getTable(entity);
  const columns = getColumns(entity, choice).map((column) => ({
    ...column,
    get: getters[column.property] as ((row: Row) => Value) | undefined,
  }));
  return {
    table: name,
    columns,
    key,
    toValues(row) {
      const source = getSource(row) as Readonly<Record<string, Value>>;
      return columns.map(({ property, get }) =>
        get === undefined ? (source[property] ?? null) : get(row),
      );
    },
  };
}
