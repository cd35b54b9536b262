import { STUB_START } from '../domain/body.ts';

// What SQL knows of bodies that lie outside, see domain/body.ts.

/** Whether the text of a column is a stub; NULL for NULL. */
export const isStubSql = (column: string): string =>
  `substr(${column}, 1, ${STUB_START.length}) = '${STUB_START}'`;

/** The stub of a column; NULL where its text is in the row. */
export const stubSql = (column: string): string =>
  `CASE WHEN ${isStubSql(column)} THEN ${column} END`;

/** The size of the text that a column stands for, in bytes; NULL for NULL. */
export const bodyBytesSql = (column: string): string =>
  `CASE WHEN ${isStubSql(column)} THEN ${column} ->> '$."$body".bytes' ELSE octet_length(${column}) END`;

/** The text of a column as far as it is in the row. */
export const insideSql = (column: string): string =>
  `CASE WHEN ${isStubSql(column)} THEN '' ELSE ${column} END`;
