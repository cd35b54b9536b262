import { expect, it } from 'vitest';
import { emailAddress } from '../../src/domain/email-address.ts';

it.each([
  'user@xn--80a1acny.xn--p1ai',
  'a&b/c=d!e%f#g@example.com',
  '{x}~*@example.com',
  "o'neil+tag@sub.example.co",
  'x_y-z.w@example.museum',
  `${'a'.repeat(64)}@example.com`,
  'A@B.CD',
])('takes %s', (address) => expect(emailAddress.safeParse(address).success).toBe(true));

it.each([
  '',
  'a',
  '@example.com',
  'a@b',
  'a@@b.com',
  '.a@b.com',
  'a.@b.com',
  'a..b@c.com',
  'a b@c.com',
  'a@-b.com',
  'a@b-.com',
  'a@b..com',
  'a@1.2.3.4',
  'a@b.com\n',
  'a@b.com\r\nBcc: x@y.z',
  'a@b.com, c@d.com',
  '<a@b.com>',
  `${'a'.repeat(65)}@example.com`,
  `a@${'b'.repeat(64)}.com`,
  'ä@example.com',
])('refuses %j', (address) => expect(emailAddress.safeParse(address).success).toBe(false));
