import * as z from 'zod';

// Of RFC 5321 all but quoted local parts and address literals, which no mail service in use takes:
// https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
const ATEXT = "[\\w!#$%&'*+/=?^`{|}~-]";
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const ADDRESS = new RegExp(
  `^(?=.{1,64}@)${ATEXT}+(?:\\.${ATEXT}+)*@(?=.{1,253}$)(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`,
);

/** An e-mail address. A domain beyond ASCII comes in its punycode form. */
export const emailAddress = z
  .string()
  .max(254)
  .regex(ADDRESS, 'This is not an e-mail address')
  .meta({ format: 'email' });
