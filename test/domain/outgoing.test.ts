import { expect, it } from 'vitest';
import { findUrlProblem } from '../../src/domain/outgoing.ts';

const rules = { allowedHosts: [], ownHosts: ['tasker.example.com'] };

it.each([
  '',
  'nonsense',
  '/relative',
  '//example.com/',
  'https://',
  'https:///',
  'http://example.com/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/plain,x',
  'ws://example.com/',
  'https://example.com:80/',
  'https://example.com:8443/',
  'https://example.com:22/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://0x7f.1/',
  'https://0x7f000001/',
  'https://2130706433/',
  'https://0177.0.0.1/',
  'https://017700000001/',
  'https://１２７.０.０.１/',
  'https://①②⑦.0.0.1/',
  'https://127。0。0。1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://10.0.0.1/',
  'https://192.168.1.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://8.8.8.8/',
  'https://[::1]/',
  'https://[::]/',
  'https://[::ffff:7f00:1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[fd00::1]/',
  'https://[2001:4860:4860::8888]/',
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://sub.localhost/',
  'https://ｌｏｃａｌｈｏｓｔ/',
  'https://example.com./',
  'https://127.0.0.1./',
  'https://intranet/',
  'https://printer.local/',
  'https://metadata.google.internal/',
  'https://router.home.arpa/',
  'https://db.corp/',
  'https://box.lan/',
  'https://x.onion/',
  'https://10.0.0.1.nip.io/',
  'https://x.nip.io/',
  'https://app-127-0-0-1.sslip.io/',
  'https://localtest.me/',
  'https://api.default.svc/',
  'https://redis.service.consul/',
  'https://web.docker/',
  'https://a.cluster.local/',
  'https://machine.tail1234.ts.net/',
  'https://user@example.com/',
  'https://user:secret@example.com/',
  'https://tasker.example.com/tasks',
  'https://TASKER.example.com/',
  `https://example.com/${'x'.repeat(2_048)}`,
  'https://exa mple.com/',
  'https://%31%32%37.0.0.1/',
  'https://example.com:99999/',
])('refuses %s', (url) => {
  expect(findUrlProblem(url, rules)).toEqual(expect.any(String));
});

it.each([
  'https://example.com',
  'https://example.com/hook?x=1#y',
  'https://EXAMPLE.com/',
  'https://example.com:443/',
  'https://a.b.c.example.co.uk/path',
  'https://bücher.example/',
  'https://xn--bcher-kva.example/',
  'https://1.example.com/',
  'https://127.0.0.1.example.com/',
  'https://localhost.example.com/',
  'https://internal-tools.example.com/',
])('lets %s pass', (url) => {
  expect(findUrlProblem(url, rules)).toBeNull();
});

it('lets named hosts pass in development, with their port or any', () => {
  const allowedHosts = ['localhost:9000', '127.0.0.1'];
  const passes = [
    'http://localhost:9000/x',
    'http://127.0.0.1:1234/',
    'https://127.0.0.1/',
    'https://example.com/',
  ];
  expect(passes.map((url) => findUrlProblem(url, { allowedHosts }))).toEqual([
    null,
    null,
    null,
    null,
  ]);
  for (const url of ['http://localhost:9001/', 'http://localhost/', 'file://localhost:9000/'])
    expect(findUrlProblem(url, { allowedHosts })).toEqual(expect.any(String));
});
