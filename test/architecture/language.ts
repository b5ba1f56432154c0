/** Words that the sources, tests and docs do not use, and the search for them. `STYLE` has the reasons in full. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';

export interface BannedPattern {
  readonly pattern: RegExp;
  /** Why the pattern is banned, and what to write instead. */
  readonly reason: string;
  /** Only at the beginning of a comment. */
  readonly opening?: true;
}

export interface Hit {
  readonly path: string;
  readonly line: number;
  readonly words: string;
  readonly reason: string;
}

export const BANNED_PATTERNS: readonly BannedPattern[] = [
  {
    pattern: /^(What|Of|Who|Whom|Whose|That which|How|When|Where|Why|By which|In which|To which)\b/,
    reason: 'Headless opening. Start with a noun or a verb: "Keys already looked up".',
    opening: true,
  },
  {
    pattern:
      /\b(nobody|somebody|anybody|everybody|whoever|whom|whomever|whosoever|no one|someone)\b/i,
    reason: 'Name the actor: the caller, the client, the provider, the operator, an attacker.',
  },
  {
    pattern: /\b(tells?|told|telling|says?|said|saying|hears?|heard|speaks?|spoken|speaking)\b/i,
    reason:
      'Code does not speak or hear. Write logs, notifies, returns, reports, receives, contains.',
  },
  {
    pattern: /\b(asks?|asked|asking) (for|about|the|whether|what|them|it|a|an|again|of)\b/i,
    reason: 'Code does not ask. Write requests, queries, checks, calls.',
  },
  {
    pattern:
      /\b(stands?|stood|hangs on|hang on|goes with|lies? (under|in|behind|ahead|there)|lays?|lain)\b/i,
    reason: 'Write is, contains, is encrypted with, belongs to, depends on.',
  },
  {
    pattern:
      /\b(beside|besides|anew|meanwhile|be it|but for|outdoes|as it comes|thereof|hence|thus|lest|whence|for ever|just so|ere|albeit|henceforth)\b/i,
    reason:
      'Archaic. Write with, in addition, again, while, or, except, overrides, by default, forever.',
  },
  {
    pattern: /\b(is|are|was|were|be) (none|no ids?|others)\b/i,
    reason: 'Write "does not exist", "is malformed", "differ".',
  },
  {
    pattern:
      /\b(mends?|mended|mending|puts? off|putting off|laid down|lets? go|let in|lets in|puts? out|comes? of|came of|becomes? of|became of|gives? back|given back|brings? about|takes? back|sees? to it)\b/i,
    reason: 'Write fixes, postpones, defines, releases, admits, closes, results, returns, ensures.',
  },
  {
    pattern:
      /\bsound (message|text|id|line|value|request|key|document|state|one|again)s?\b|\bis sound\b|\bare sound\b/i,
    reason: 'Write valid or well formed.',
  },
  {
    pattern: /\b(vendors?|news)\b|\bvendor's\b/i,
    reason: 'Glossary: provider; event or delivery.',
  },
  {
    pattern: /\b(seals?|sealed|sealing|unseal\w*)\b/i,
    reason: 'Glossary: encrypt and decrypt.',
  },
  {
    pattern: /\b(crowd|patience|bell rings?|settles?|settled|settling|judges?|judged|judging)\b/i,
    reason: 'Glossary: subscribers, backoff, signal, project and reproject.',
  },
  {
    pattern: /\b(whatever|whichever|whosever|wherever|howsoever)\b/i,
    reason: 'Write any, every or regardless of.',
  },
  {
    pattern:
      /\b(behaviours?|colours?|honours?|favours?|licence|centre|catalogue|(serial|normal|recogn|author|initial|organ|optim|final|minim|maxim|synchron)is(e|es|ed|ing|ation))\b/i,
    reason: 'US spelling.',
  },
];

/** Finds banned words in the text of one file. Of code, only comments and sentences in string literals are searched. */
export function findBanned(path: string, text: string): readonly Hit[] {
  return /\.(ts|tsx|js|cjs|mjs)$/.test(path)
    ? [...commentHits(path, text), ...literalHits(path, text)].sort((a, b) => a.line - b.line)
    : proseHits(path, text);
}

const SEARCHED =
  /^(src|migrations|test|bench|docs|examples|client|console|deploy|\.github)\/.*\.(ts|tsx|js|cjs|mjs|md|yml)$|^schema\/schema\.graphql$|^[A-Z]+\.md$|^\.env\.example$|^ormconfig\.ts$/;
/** Payloads of providers, and the list of the banned words itself. */
const NOT_SEARCHED =
  /^test\/fixtures\/.*\.json$|^test\/architecture\/language(\.test)?\.ts$|^docs\/schema\.md$/;

export function isSearched(path: string): boolean {
  return SEARCHED.test(path) && !NOT_SEARCHED.test(path);
}

/** All files under version control, or about to be. `below` restricts them to folders or files. */
export function searchedFiles(root: string, below: readonly string[] = []): readonly string[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...below],
    { cwd: root, encoding: 'utf8' },
  );
  return listed.split('\n').filter((path) => isSearched(path) && existsSync(`${root}/${path}`));
}

export function findBannedIn(root: string, paths: readonly string[]): readonly Hit[] {
  return paths.flatMap((path) => findBanned(path, readFileSync(`${root}/${path}`, 'utf8')));
}

function search(path: string, line: number, text: string, opening: boolean): readonly Hit[] {
  return BANNED_PATTERNS.flatMap(({ pattern, reason, opening: onlyOpening }) => {
    if (onlyOpening && !opening) return [];
    const found = pattern.exec(text);
    if (found === null) return [];
    const before = text.slice(0, found.index).split('\n').length - 1;
    return [{ path, line: line + before, words: found[0], reason }];
  });
}

function commentHits(path: string, text: string): readonly Hit[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const ranges = new Map<number, ts.CommentRange>();
  const collect = (node: ts.Node) => {
    for (const range of [
      ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.getEnd()) ?? []),
    ]) {
      ranges.set(range.pos, range);
    }
    node.getChildren(file).forEach(collect);
  };
  collect(file);
  return [...ranges.values()].flatMap(({ pos, end, kind }) => {
    const { line } = file.getLineAndCharacterOfPosition(pos);
    const content = withoutCode(text.slice(pos, end))
      .replace(/^\/\*+\s*|\*+\/$/g, '')
      .replace(/^\s*\*\s?/gm, '')
      .replace(/^\/\/\s*/, '');
    const isDoc = kind === ts.SyntaxKind.MultiLineCommentTrivia;
    return search(path, line + 1, content, isDoc);
  });
}

/** Sentences: literals with at least three words. SQL is none of them. */
function literalHits(path: string, text: string): readonly Hit[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const hits: Hit[] = [];
  const visit = (node: ts.Node) => {
    const content =
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddleOrTemplateTail(node)
        ? node.text
        : undefined;
    if (content !== undefined && isSentence(content)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      hits.push(...search(path, line + 1, withoutCode(content), false));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return hits;
}

function isSentence(text: string): boolean {
  return (
    /[A-Za-z]+ [A-Za-z]+ [A-Za-z]+/.test(text) &&
    !/\b(SELECT|INSERT|UPDATE|DELETE|CREATE|FROM|WHERE)\b/.test(text) &&
    !/^\s*(query|mutation|subscription|\{)/.test(text)
  );
}

function proseHits(path: string, text: string): readonly Hit[] {
  const prose = text.replace(/```[\s\S]*?```/g, (block) => block.replace(/[^\n]/g, ' '));
  return prose
    .split('\n')
    .flatMap((line, index) => search(path, index + 1, withoutCode(line), false));
}

/** Without what is quoted: names of code, and links. */
function withoutCode(text: string): string {
  return text
    .replace(/`[^`\n]*`/g, '``')
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/https?:\/\/\S+/g, '')
    .replace(/\{@link [^}]*\}/g, '');
}
