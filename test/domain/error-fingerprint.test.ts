import { expect, it } from 'vitest';
import { computeFingerprint, maskMessage } from '../../src/domain/error-fingerprint.ts';

it.each([
  ['Timeout after 3000 ms', 'Timeout after … ms'],
  ['No city "Lisbon" in 5 sources', 'No city "…" in … sources'],
  ['Task 01a21556-be37-70fc-9c7c-b7c8cfda1cf9 is gone', 'Task … is gone'],
  ['hash deadbeef01 differs', 'hash … differs'],
  ['at 10:20:30, 1,000.5 units', 'at … units'],
  ['the decade is over', 'the decade is over'],
  ['', ''],
])('masks %j as %j', (message, masked) => {
  expect(maskMessage(message)).toBe(masked);
});

it('masks its own result as it is, and long messages by their beginning', () => {
  const masked = maskMessage('Order 77 of "x" failed');
  expect(maskMessage(masked)).toBe(masked);
  expect(maskMessage(`It broke: ${'a'.repeat(10_000)}`)).toHaveLength(501);
});

it('tells type, code and message apart', async () => {
  const all = await Promise.all([
    computeFingerprint('a', 'b', 'c'),
    computeFingerprint('a', 'b', null),
    computeFingerprint('a', null, 'c'),
    computeFingerprint('ab', '', 'c'),
  ]);
  expect(new Set(all).size).toBe(4);
  expect(all[0]).toMatch(/^[0-9a-f]{16}$/);
});
