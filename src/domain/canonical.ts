import canonicalize from 'canonicalize';
import { sha256 } from './hash.ts';

/**
 * SHA-256 of a value's one canonical text (RFC 8785), however it was written; 64 hexadecimal
 * digits.
 */
export const hashCanonical = (value: unknown): Promise<string> => sha256(canonicalize(value) ?? '');
