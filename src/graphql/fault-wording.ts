/**
 * What the GraphQL library says is wrong with a request, without the values that it quotes: one of them may be somebody's
 * name, and clients hand such messages on to wherever they gather errors. What was expected and where is enough.
 */

export function withoutValues(message: string): string {
  const variable = /^Variable "\$\w+" got invalid value /.exec(message)?.[0];
  if (variable === undefined) {
    return LITERALS.reduce((text, [quoted, told]) => text.replace(quoted, told), message);
  }
  // The place and the reason stand behind the value, which may look like either: so the last ones are taken.
  const place = /^.*( at "[\w.[\]]+"); /s.exec(message)?.[1] ?? '';
  const reason = REASON.exec(message)?.[0];
  const start = variable.replace('got invalid value ', 'got an invalid value');
  return start + place + (reason === undefined ? '' : `; ${reason}`);
}

/** The library has no switch for it. */
export function withoutSuggestion(message: string): string {
  return message.replace(/ ?Did you mean .*\?$/s, '');
}

/** Those that speak of the types alone, at the end of a message. */
const REASON = new RegExp(
  `(?:${[
    'Field "\\w+" of required type "[^"]+" was not provided\\.',
    'Field "\\w+" is not defined by type "[^"]+"\\.(?: Did you mean [^?]{0,1000}\\?)?',
    'Expected type "[^"]+" to be an object\\.',
    'Expected non-nullable type "[^"]+" not to be null\\.',
  ].join('|')})$`,
);

/** Of values that stand in the document. */
const LITERALS: readonly (readonly [RegExp, string])[] = [
  [/^(Expected value of type "[^"]+"), found .*$/s, '$1.'],
  [/^(\w+|Enum "\w+") cannot represent .*$/s, '$1 cannot represent this value.'],
  [/^(Argument "\w+" has) invalid value .*$/s, '$1 an invalid value.'],
  [/^(Syntax Error: .*?\b(?:String|BlockString|Int|Float)) ".*$/s, '$1.'],
];
