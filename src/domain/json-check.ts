import { MAX_RESULT_DEPTH } from './json.ts';

// Whether bytes are JSON (RFC 8259), told while they stream by, with no more memory than the nesting.

const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const LITERALS = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word]));
const toCodes = (characters: string): number[] =>
  Array.from(characters, (char) => char.charCodeAt(0));
const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, PLUS, DOT, ZERO] = toCodes('"\\,:-+.0') as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT, LETTER_U] = toCodes('[]{}u') as [
  number,
  number,
  number,
  number,
  number,
];
const ESCAPED = new Set(toCodes('"\\/bfnrt'));
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isHex = (byte: number): boolean =>
  isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
const isExponent = (byte: number): boolean => byte === 0x65 || byte === 0x45;

/** What may come next. Numbers have states of their own: which part of one was read last. */
type State =
  | 'value'
  | 'value or end'
  | 'key'
  | 'key or end'
  | 'colon'
  | 'after'
  | 'string'
  | 'escape'
  | 'hex'
  | 'literal'
  | 'minus'
  | 'zero'
  | 'integer'
  | 'dot'
  | 'fraction'
  | 'exponent'
  | 'sign'
  | 'power';
const NUMBER_ENDS: ReadonlySet<State> = new Set(['zero', 'integer', 'fraction', 'power']);

/** Takes bytes as they come; `push` and `end` throw a `TypeError` for what is no JSON text. */
export const createJsonCheck = (maxDepth = MAX_RESULT_DEPTH) => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** True for an object, false for a list. */
  const stack: boolean[] = [];
  let state: State = 'value';
  let isKey = false;
  let hexLeft = 0;
  let rest = '';
  let at = 0;

  const fail = (): never => {
    throw new TypeError(`It is no JSON from byte ${at} on`);
  };
  const open = (isObject: boolean): State => {
    if (stack.push(isObject) > maxDepth)
      throw new TypeError(`It is nested deeper than ${maxDepth} levels`);
    return isObject ? 'key or end' : 'value or end';
  };
  const close = (isObject: boolean): State => {
    if (stack.pop() !== isObject) fail();
    return 'after';
  };
  const beginValue = (byte: number): State => {
    if (byte === QUOTE) {
      isKey = false;
      return 'string';
    }
    if (byte === OPEN_OBJECT) return open(true);
    if (byte === OPEN_LIST) return open(false);
    if (byte === MINUS) return 'minus';
    if (isDigit(byte)) return byte === ZERO ? 'zero' : 'integer';
    const word = LITERALS.get(byte);
    if (word === undefined) return fail();
    rest = word.slice(1);
    return 'literal';
  };
  const beginKey = (byte: number): State => {
    if (byte !== QUOTE) return fail();
    isKey = true;
    return 'string';
  };
  const goOn = (byte: number): State => {
    const isObject = stack.at(-1);
    if (byte === COMMA && isObject !== undefined) return isObject ? 'key' : 'value';
    if (byte === CLOSE_OBJECT) return close(true);
    return byte === CLOSE_LIST ? close(false) : fail();
  };
  const inNumber = (byte: number): State => {
    if (isDigit(byte)) {
      if (state === 'minus') return byte === ZERO ? 'zero' : 'integer';
      if (state === 'dot') return 'fraction';
      if (state === 'exponent' || state === 'sign') return 'power';
      return state === 'zero' ? fail() : state;
    }
    if (byte === DOT && (state === 'zero' || state === 'integer')) return 'dot';
    if (isExponent(byte) && NUMBER_ENDS.has(state) && state !== 'power') return 'exponent';
    if ((byte === PLUS || byte === MINUS) && state === 'exponent') return 'sign';
    if (!NUMBER_ENDS.has(state)) return fail();
    return SPACE.has(byte) ? 'after' : goOn(byte);
  };
  const inString = (byte: number): State => {
    if (byte === QUOTE) return isKey ? 'colon' : 'after';
    if (byte === BACKSLASH) return 'escape';
    return byte < 0x20 ? fail() : 'string';
  };
  const inEscape = (byte: number): State => {
    if (byte !== LETTER_U) return ESCAPED.has(byte) ? 'string' : fail();
    hexLeft = 4;
    return 'hex';
  };
  const inHex = (byte: number): State => {
    if (!isHex(byte)) return fail();
    hexLeft -= 1;
    return hexLeft === 0 ? 'string' : 'hex';
  };
  const inLiteral = (byte: number): State => {
    if (byte !== rest.charCodeAt(0)) return fail();
    rest = rest.slice(1);
    return rest === '' ? 'after' : 'literal';
  };

  const step = (byte: number): State => {
    if (state === 'string') return inString(byte);
    if (state === 'escape') return inEscape(byte);
    if (state === 'hex') return inHex(byte);
    if (state === 'literal') return inLiteral(byte);
    if (SPACE.has(byte) && !isNumberState(state)) return state;
    switch (state) {
      case 'value':
        return beginValue(byte);
      case 'value or end':
        return byte === CLOSE_LIST ? close(false) : beginValue(byte);
      case 'key':
        return beginKey(byte);
      case 'key or end':
        return byte === CLOSE_OBJECT ? close(true) : beginKey(byte);
      case 'colon':
        return byte === COLON ? 'value' : fail();
      case 'after':
        return goOn(byte);
      default:
        return inNumber(byte);
    }
  };

  return {
    push(bytes: Uint8Array): void {
      decoder.decode(bytes, { stream: true });
      for (const byte of bytes) {
        state = step(byte);
        at += 1;
      }
    },
    end(): void {
      decoder.decode();
      if (stack.length > 0 || (state !== 'after' && !NUMBER_ENDS.has(state))) fail();
    },
  };
};

const NUMBER_STATES: ReadonlySet<State> = new Set([
  ...NUMBER_ENDS,
  'minus',
  'dot',
  'exponent',
  'sign',
]);
const isNumberState = (state: State): boolean => NUMBER_STATES.has(state);
