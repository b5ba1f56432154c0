/**
 * What the GraphQL library says is wrong with a request, without the values that it quotes: one of them may be somebody's
 * name, and clients hand such messages on to wherever they gather errors. What was expected and where is enough.
 */

export function withoutValues(message: string): string {
  return QUOTING.reduce((text, [quoted, told]) => text.replace(quoted, told), message);
}

/** The library has no switch for it. */
export function withoutSuggestion(message: string): string {
  return message.replace(/ ?Did you mean .*\?$/s, '');
}

const QUOTING: readonly (readonly [RegExp, string])[] = [
  [/^(Variable "\$\w+" got) invalid value .*$/s, '$1 an invalid value.'],
  [/^(Expected value of type "[^"]+"), found .*$/s, '$1.'],
  [/^(\w+|Enum "\w+") cannot represent .*$/s, '$1 cannot represent this value.'],
  [/^(Argument "\w+" has) invalid value .*$/s, '$1 an invalid value.'],
  [/^(Syntax Error: .*?\b(?:String|BlockString|Int|Float)) ".*$/s, '$1.'],
];
