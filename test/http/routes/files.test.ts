import { expect, it } from 'vitest';
import { MAX_FILE_BYTES } from '../../../src/domain/file-name.ts';
import { call, finished, submit } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

const put = (name: string, body: BodyInit, type = 'text/csv'): Promise<Response> =>
  call(`/files/${name}`, { method: 'PUT', body, headers: { 'Content-Type': type } });

const process = async (params: object): Promise<Record<string, unknown>> => {
  const task = await finished((await submit('file_processing', params)).task_id);
  expect(task.error).toBeNull();
  return task.result as Record<string, unknown>;
};

const problem = async (response: Response): Promise<{ status: number; code: string }> =>
  response.json();

it('keeps a file: put, get, list, delete', async () => {
  // Of an owner of its own: what ran in the file before may still write files.
  const { key } = await storeKey('keeper', ['tasks:read', 'tasks:write']);
  const ask = (path: string, init: RequestInit = {}, type = 'text/csv'): Promise<Response> =>
    call(path, {
      ...init,
      headers: { 'Content-Type': type, Authorization: `Bearer ${key}` },
    });
  const keep = (name: string, content: string, type?: string): Promise<Response> =>
    ask(`/files/${name}`, { method: 'PUT', body: content }, type);
  const created = await keep('a.csv', 'x,y\n1,2\n');
  expect(created.status).toBe(201);
  expect(await created.json()).toMatchObject({ name: 'a.csv', bytes: 8, content_type: 'text/csv' });
  expect((await keep('a.csv', 'x,y\n1,3\n')).status).toBe(200);
  const got = await ask('/files/a.csv');
  expect(await got.text()).toBe('x,y\n1,3\n');
  expect(Object.fromEntries(got.headers)).toMatchObject({
    'content-type': 'text/csv',
    'content-length': '8',
    'content-disposition': 'attachment; filename="a.csv"',
    'x-content-type-options': 'nosniff',
  });
  expect((await ask('/files/a.csv', { method: 'HEAD' })).status).toBe(200);
  await keep('b.txt', '', 'text/plain');
  const first = await (
    await ask('/files?page_size=1')
  ).json<{ files: { name: string }[]; pagination: { next_cursor: string } }>();
  expect(first.files.map(({ name }) => name)).toEqual(['a.csv']);
  const second = await (
    await ask(`/files?page_size=1&cursor=${first.pagination.next_cursor}`)
  ).json();
  expect(second).toMatchObject({
    files: [{ name: 'b.txt', bytes: 0 }],
    pagination: { next_cursor: null },
  });
  expect((await ask('/files/a.csv', { method: 'DELETE' })).status).toBe(204);
  for (const method of ['GET', 'DELETE'])
    expect(await problem(await ask('/files/a.csv', { method }))).toMatchObject({
      status: 404,
      code: 'file_not_found',
    });
  await ask('/files/b.txt', { method: 'DELETE' });
});

it.concurrent(
  'takes a file of many parts, of a size that no header gives, byte by byte the same',
  async () => {
    const chunk = crypto.getRandomValues(new Uint8Array(60_000));
    let left = 200;
    const body = new ReadableStream({ pull: (c) => (left-- > 0 ? c.enqueue(chunk) : c.close()) });
    const saved = await put('big.bin', body, 'application/octet-stream');
    expect(await saved.json()).toMatchObject({ bytes: 12_000_000 });
    const back = new Uint8Array(await (await call('/files/big.bin')).arrayBuffer());
    expect(back.byteLength).toBe(12_000_000);
    expect(back.subarray(11_940_000)).toEqual(chunk);
    await call('/files/big.bin', { method: 'DELETE' });
  },
);

it.concurrent(
  'refuses a file that is too large, announced or not, and keeps nothing of it',
  async () => {
    const chunk = new Uint8Array(1_000_000);
    let left = 30;
    const body = new ReadableStream({ pull: (c) => (left-- > 0 ? c.enqueue(chunk) : c.close()) });
    expect(await problem(await put('c.bin', body))).toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
    const published = await put('c.bin', new Uint8Array(MAX_FILE_BYTES + 1));
    expect(published.status).toBe(413);
    expect((await call('/files/c.bin')).status).toBe(404);
  },
);

it.each(['..', '.hidden', 'a b', 'a%2Fb', 'ä', 'x'.repeat(201), '%00', 'a;b'])(
  'refuses the name %j',
  async (name) => {
    const { status } = await put(name, 'x');
    expect([404, 405, 422]).toContain(status);
  },
);

const CSV =
  'city,sold,on,open,note\nLisbon,3,2026-01-05,true,"a, b"\nPorto,10,2026-01-07,false,\nFaro,4,2026-01-06,true,"two\nlines"\n';

it.concurrent('summarizes a CSV', async () => {
  await put('s.csv', CSV);
  expect(await process({ file: 's.csv', operation: 'summarize' })).toEqual({
    operation: 'summarize',
    file: 's.csv',
    format: 'csv',
    bytes: CSV.length,
    delimiter: ',',
    rows: 3,
    malformed: { count: 0, rows: [] },
    columns: [
      { name: 'city', type: 'text', empty: 0, min: 'Faro', max: 'Porto', mean: null, distinct: 3 },
      { name: 'sold', type: 'integer', empty: 0, min: 3, max: 10, mean: 17 / 3, distinct: 3 },
      {
        name: 'on',
        type: 'date',
        empty: 0,
        min: '2026-01-05',
        max: '2026-01-07',
        mean: null,
        distinct: 3,
      },
      {
        name: 'open',
        type: 'boolean',
        empty: 0,
        min: 'false',
        max: 'true',
        mean: null,
        distinct: 2,
      },
      {
        name: 'note',
        type: 'text',
        empty: 1,
        min: 'a, b',
        max: 'two\nlines',
        mean: null,
        distinct: 2,
      },
    ],
  });
});

it.concurrent('reports malformed rows by their line', async () => {
  const content = 'a,b\n1,2\n3\n"x\ny",4\n5,6,7\n8,9\n';
  expect(await process({ content, format: 'csv', operation: 'summarize' })).toMatchObject({
    rows: 3,
    malformed: { count: 2, rows: [{ line: 3 }, { line: 6 }] },
  });
  const lines = '{"a":1}\nnot json\n[1]\n\n{"a":2}\n';
  expect(await process({ content: lines, format: 'ndjson', operation: 'count' })).toMatchObject({
    rows: 2,
    malformed: {
      count: 2,
      rows: [
        { line: 2, message: 'Not JSON, or nested too deep' },
        { line: 3, message: 'Not an object' },
      ],
    },
  });
  expect(
    await process({ content: 'a,b\n1,2\n"3,4\n5,6\n', format: 'csv', operation: 'count' }),
  ).toMatchObject({
    rows: 1,
    malformed: {
      count: 1,
      rows: [{ line: 3, message: 'Its quote never ends; nothing after it was read' }],
    },
  });
  expect(
    await process({
      content: 'a,b\n\n1,2\n3,"4"5\n"x\ny",7,8\n\n5,6\n',
      format: 'csv',
      operation: 'count',
    }),
  ).toMatchObject({
    rows: 3,
    malformed: { count: 1, rows: [{ line: 5, message: '3 cells, unlike the header' }] },
  });
});

it.concurrent('counts, checksums, and looks at texts', async () => {
  const content = 'one two\n\nthree\n';
  expect(await process({ content, format: 'text', operation: 'count' })).toMatchObject({
    lines: 3,
    bytes: 15,
  });
  expect(await process({ content, format: 'text', operation: 'summarize' })).toMatchObject({
    lines: 3,
    empty_lines: 1,
    words: 3,
    characters: 12,
    longest_line: 7,
  });
  expect(await process({ content: 'abc', operation: 'checksum' })).toEqual({
    operation: 'checksum',
    file: null,
    bytes: 3,
    algorithm: 'SHA-256',
    checksum: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  });
});

const converted = async (params: object): Promise<string> => {
  const { output } = await process({ ...params, operation: 'convert' });
  return (await call(`/files/${String(output)}`)).text();
};

it.concurrent('converts between formats, and back', async () => {
  await put('t.csv', 'id,name,ok\n1,ann,true\n2,,false\n');
  const json = await converted({ file: 't.csv', to: 'json' });
  expect(JSON.parse(json)).toEqual([
    { id: 1, name: 'ann', ok: true },
    { id: 2, name: null, ok: false },
  ]);
  const ndjson = await converted({ content: json, format: 'json', to: 'ndjson' });
  expect(ndjson).toBe('{"id":1,"name":"ann","ok":true}\n{"id":2,"name":null,"ok":false}\n');
  expect(await converted({ content: ndjson, format: 'ndjson', to: 'csv' })).toBe(
    'id,name,ok\n1,ann,true\n2,,false\n',
  );
});

it.concurrent('keeps what only looks like a number, and disarms formulas', async () => {
  const json = await converted({ content: 'zip\n01234\n99\n', format: 'csv', to: 'json' });
  expect(JSON.parse(json)).toEqual([{ zip: '01234' }, { zip: '99' }]);
  const content = JSON.stringify([
    { a: '=1+1', b: -5, c: '-5', __proto__x: '@x' },
    { d: ['x', 1], a: 'q"u,o' },
  ]);
  expect(await converted({ content, format: 'json', to: 'csv' })).toBe(
    `a,b,c,__proto__x,d\n'=1+1,-5,-5,'@x,\n"q""u,o",,,,"[""x"",1]"\n`,
  );
});

it.concurrent.each([
  [{ file: 'nowhere.csv', operation: 'count' }, 'file_not_found'],
  [{ content: '{"a":1}', format: 'json', operation: 'count' }, 'bad_file'],
  [{ content: '5', format: 'json', operation: 'count' }, 'bad_file'],
  [
    { content: `[${'['.repeat(100)}${']'.repeat(100)}]`, format: 'json', operation: 'count' },
    'bad_file',
  ],
  [{ content: `a\n"${'x'.repeat(200_000)}`, format: 'csv', operation: 'count' }, null],
  [{ content: '[{"a":1}', format: 'json', operation: 'count' }, 'bad_file'],
  [{ content: 'nonsense', format: 'json', operation: 'count' }, 'bad_file'],
])('fails clearly: %j', async (params, code) => {
  const { task_id } = await submit('file_processing', params);
  const { error, attempt } = await finished(task_id);
  expect([error?.code ?? null, attempt]).toEqual([code, 1]);
});

it.each([
  [{ operation: 'count' }, 'params.file'],
  [{ file: 'x.csv', content: 'x', operation: 'count' }, 'params.file'],
  [{ file: 'x.bin', operation: 'count' }, 'params.format'],
  [{ file: 'constructor', operation: 'count' }, 'params.format'],
  [{ file: 'x.__proto__', operation: 'count' }, 'params.format'],
  [{ file: 'x.csv', operation: 'convert' }, 'params.to'],
  [{ file: 'x.txt', operation: 'convert', to: 'csv' }, 'params.format'],
  [{ file: '../../x.csv', operation: 'count' }, 'params.file'],
  [{ file: 'x.csv', operation: 'count', to: 'csv' }, 'params.to'],
])('refuses %j', async (params, path) => {
  const response = await call('/tasks', { json: { type: 'file_processing', params } });
  const { errors } = await response.json<{ errors: { path: string }[] }>();
  expect(response.status).toBe(422);
  expect(errors.map((each) => each.path)).toContain(path);
});

it.concurrent('refuses what is not UTF-8, in every format', async () => {
  const latin = new Uint8Array([0x61, 0x2c, 0x62, 0x0a, 0x4a, 0x6f, 0x73, 0xe9, 0x2c, 0x31, 0x0a]);
  for (const name of ['latin.csv', 'latin.txt', 'latin.ndjson']) {
    await put(name, latin);
    const { error } = await finished(
      (await submit('file_processing', { file: name, operation: 'count' })).task_id,
    );
    expect(error?.code).toBe('bad_file');
  }
});

it.concurrent('loses no row and no column on the way to CSV and back', async () => {
  const content = '[{"a":1},{"a":null},{"a":""},{"a":2}]';
  const csv = await converted({ content, format: 'json', to: 'csv' });
  expect(csv).toBe('a\n1\n""\n""\n2\n');
  expect(await process({ content: csv, format: 'csv', operation: 'count' })).toMatchObject({
    rows: 4,
  });
  expect(await process({ content: 'a,b\n', format: 'csv', operation: 'summarize' })).toMatchObject({
    rows: 0,
    columns: [{ name: 'a', type: 'empty' }, { name: 'b' }],
  });
  const numbers = await converted({
    content: 'n,m,k\n12345678901234567.12,-0,1\n1,2,3\n',
    format: 'csv',
    to: 'json',
  });
  expect(JSON.parse(numbers)).toEqual([
    { n: '12345678901234567.12', m: '-0', k: 1 },
    { n: '1', m: '2', k: 3 },
  ]);
});

it.concurrent('says how many cells it disarmed', async () => {
  expect(
    await process({ content: 'a\n=1\n-5\n-\n', format: 'csv', operation: 'convert', to: 'csv' }),
  ).toMatchObject({ disarmed_cells: 2 });
});

it.concurrent('does not send again what the client has', async () => {
  const { etag } = await (await put('tagged.txt', 'x')).json<{ etag: string }>();
  const again = await call('/files/tagged.txt', { headers: { 'If-None-Match': etag } });
  expect([again.status, await again.text()]).toEqual([304, '']);
  expect(
    (await call('/files/tagged.txt', { headers: { 'If-None-Match': '"other"' } })).status,
  ).toBe(200);
});

it('holds to conditions on every method', async () => {
  const ask = (method: string, headers: Record<string, string>, body?: string) =>
    call('/files/conditional.txt', { method, headers, ...(body !== undefined && { body }) });
  expect((await ask('PUT', { 'If-Match': '*' }, 'no')).status).toBe(412);
  const made = await ask('PUT', { 'If-None-Match': '*' }, 'one');
  expect(made.status).toBe(201);
  const { etag } = await made.json<{ etag: string }>();
  const past = 'Wed, 21 Oct 2015 07:28:00 GMT';
  const future = new Date(Date.now() + 3_600_000).toUTCString();
  for (const headers of [
    { 'If-None-Match': '*' },
    { 'If-None-Match': etag },
    { 'If-None-Match': `"x", W/${etag}` },
    { 'If-Match': '"another"' },
    { 'If-Match': `W/${etag}` },
    { 'If-Unmodified-Since': past },
  ]) {
    expect([headers, (await ask('PUT', headers, 'two')).status]).toEqual([headers, 412]);
    expect([headers, (await ask('DELETE', headers)).status]).toEqual([headers, 412]);
  }
  for (const name of ['If-Match', 'If-None-Match'])
    for (const value of ['garbage', etag.replaceAll('"', ''), `${etag} "x"`, "'x'"])
      expect([value, (await ask('PUT', { [name]: value }, 'two')).status]).toEqual([value, 422]);
  expect(await (await ask('GET', {})).text()).toBe('one');
  for (const method of ['GET', 'HEAD']) {
    for (const headers of [
      { 'If-None-Match': etag },
      { 'If-None-Match': '*' },
      { 'If-None-Match': `W/${etag}, "x"` },
      { 'If-Modified-Since': future },
    ])
      expect([headers, (await ask(method, headers)).status]).toEqual([headers, 304]);
    for (const headers of [{ 'If-Match': '"x"' }, { 'If-Unmodified-Since': past }])
      expect([headers, (await ask(method, headers)).status]).toEqual([headers, 412]);
    for (const headers of [
      { 'If-Match': etag },
      { 'If-None-Match': '"x"' },
      { 'If-Modified-Since': past },
      { 'If-Unmodified-Since': future },
    ])
      expect([headers, (await ask(method, headers)).status]).toEqual([headers, 200]);
  }
  const head = await ask('HEAD', {});
  expect([head.headers.get('Content-Length'), await head.text()]).toEqual(['3', '']);
  expect((await ask('PUT', { 'Content-Range': 'bytes 0-1/3' }, 'x')).status).toBe(400);
  expect((await ask('PUT', { 'If-Match': etag }, 'two')).status).toBe(200);
  expect((await ask('DELETE', { 'If-Match': etag })).status).toBe(412);
  expect((await ask('DELETE', { 'If-Match': '*' })).status).toBe(204);
});

it('is made once, however many say that it must not be there', async () => {
  const headers = { 'If-None-Match': '*' };
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      call('/files/once.txt', { method: 'PUT', body: `body ${i}`, headers }),
    ),
  );
  expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(all.filter(({ status }) => status === 412)).toHaveLength(7);
});
