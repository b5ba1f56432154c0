/** The sources as the compiler reads them: which file imports what, and whether anything of it is left at run time. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import * as ts from 'typescript';

const ROOT = join(__dirname, '../..');

export interface SourceFile {
  /** From the root of the repository, with slashes: `src/store/store.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Whether the file uses the type `any`. */
  readonly anyType: boolean;
  /** Names of all that is taken from `process`: `env`, `exit`. */
  readonly fromProcess: ReadonlySet<string>;
}

export interface Import {
  /** As written: `../domain/level`, `node:fs`. */
  readonly specifier: string;
  /** Path of the file of ours that is meant; `null` for a package, or what comes with Node. */
  readonly file: string | null;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** Every TypeScript file below these folders. @param folders - From the root of the repository, e.g. `src`. */
export function readSources(...folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => posix.join(folder, ...path.split(sep)))
      .sort()
      .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8'))),
  );
}

export function parseSource(path: string, text: string): SourceFile {
  const imports: Import[] = [];
  const fromProcess = new Set<string>();
  let anyType = false;

  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return { path, text, imports, anyType, fromProcess };

  function visit(node: ts.Node): void {
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, file: fileOf(path, found.specifier) });
    const taken = takenFromProcess(node);
    if (taken !== undefined) fromProcess.add(taken);
    anyType ||= node.kind === ts.SyntaxKind.AnyKeyword;
    ts.forEachChild(node, visit);
  }
}

function fileOf(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const path = posix.join(posix.dirname(from), specifier);
  return path.endsWith('.json') ? path : `${path}.ts`;
}

type Found = Omit<Import, 'file'>;

function importOf(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node)) {
    return found(node.moduleSpecifier, isTypeOnlyClause(node.importClause));
  }
  if (ts.isExportDeclaration(node)) {
    return found(node.moduleSpecifier, node.isTypeOnly || isTypeOnlyList(node.exportClause));
  }
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
    return found(node.moduleReference.expression, node.isTypeOnly);
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return found(node.argument.literal, true);
  }
  if (ts.isCallExpression(node) && isLoader(node.expression)) {
    return found(node.arguments[0], false);
  }
  return undefined;
}

function found(specifier: ts.Node | undefined, typeOnly: boolean): Found | undefined {
  if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return undefined;
  return { specifier: specifier.text, typeOnly };
}

function isTypeOnlyClause(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false; // imported for what it does
  if (clause.isTypeOnly) return true;
  return clause.name === undefined && isTypeOnlyList(clause.namedBindings);
}

function isTypeOnlyList(list: ts.NamedImportBindings | ts.NamedExportBindings | undefined) {
  if (list === undefined || ts.isNamespaceImport(list) || ts.isNamespaceExport(list)) return false;
  return list.elements.every(({ isTypeOnly }) => isTypeOnly);
}

function isLoader(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  return ts.isIdentifier(callee) && callee.text === 'require';
}

function takenFromProcess(node: ts.Node): string | undefined {
  const access = ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node);
  if (!access || !ts.isIdentifier(node.expression) || node.expression.text !== 'process') {
    return undefined;
  }
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  return ts.isStringLiteralLike(node.argumentExpression) ? node.argumentExpression.text : '?';
}
