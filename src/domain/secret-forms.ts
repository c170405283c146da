/**
 * The source of a pattern that matches a secret however it is written: as it is, quoted for JSON or a shell, encoded
 * for an address, with escapes, each character in its own way; and inside any text in base64.
 */
export function secretForms(secret: string): string {
  return [Array.from(secret, spellings).join(''), ...inBase64(secret)].join('|');
}

function spellings(character: string): string {
  if (/[A-Za-z\d]/.test(character)) return character;
  const quoted = QUOTED[character];
  return `(?:${[
    character === '\\' ? '\\\\{1,4}' : `\\\\{0,3}${character.replace(/[^\w\s]/, '\\$&')}`,
    ...(quoted === undefined ? [] : [`\\\\{1,3}${quoted}`]),
    ...(character === ' ' ? ['\\+'] : []),
    [...Buffer.from(character)].map((byte) => `%(?:25){0,2}${hex(byte, 2)}`).join(''),
    character
      .split('')
      .map((unit) => `\\\\{1,3}u${hex(unit.charCodeAt(0), 4)}`)
      .join(''),
  ].join('|')})`;
}

const QUOTED: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f' };

function hex(number: number, digits: number): string {
  return number
    .toString(16)
    .padStart(digits, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

/** Three bytes are four characters, so it depends on what stands before it which characters a secret becomes. */
function inBase64(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    const own = text.slice(first, last).replace(/[+/]/g, (sign) => (sign === '+' ? PLUS : SLASH));
    return `${own}(?:[\\w+/-]?=)?=?`;
  });
}

const PLUS = '(?:[-+]|%2[bB])';
const SLASH = '(?:_|\\\\{0,3}/|%2[fF])';
