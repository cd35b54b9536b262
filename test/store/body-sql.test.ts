import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { isOutside, measureBody, toBodyText, toStub } from '../../src/domain/body.ts';
import { bodyBytesSql, insideSql, stubSql } from '../../src/store/body-sql.ts';

const stub = toStub({ bytes: 123_456, name: '1-a' });

it.each([
  [stub],
  ['{"a":1}'],
  ['"é"'],
  ['[]'],
  [toBodyText({ $body: { bytes: 1, name: 'x' } })],
  [null],
])('says of %s what the code says', async (text) => {
  const row = await env.DB.prepare(
    `SELECT ${bodyBytesSql('t')} AS bytes, ${stubSql('t')} AS stub, ${insideSql('t')} AS inside
FROM (SELECT ?1 AS t)`,
  )
    .bind(text)
    .first();
  const isStub = text !== null && isOutside(text);
  expect(row).toEqual({
    bytes: text === null ? null : measureBody(text),
    stub: isStub ? text : null,
    inside: isStub ? '' : text,
  });
});

it('keeps the escape of what looks like a stub when SQLite takes it out of a list', async () => {
  const text = toBodyText({ $body: { bytes: 1, name: 'x' } });
  const taken = await env.DB.prepare('SELECT ?1 -> 0 AS text').bind(`[${text}]`).first('text');
  expect([isOutside(String(taken)), JSON.parse(String(taken))]).toEqual([
    false,
    { $body: { bytes: 1, name: 'x' } },
  ]);
});
