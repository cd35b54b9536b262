// An endpoint that answers at once: SECRET=whsec_… node examples/endpoint.mjs
import { createServer } from 'node:http';
import { createHmac, timingSafeEqual } from 'node:crypto';

const key = Buffer.from((process.env.SECRET ?? '').replace(/^whsec_/, ''), 'base64');

/** Whether a request was signed with the type's secret: https://www.standardwebhooks.com */
const isSigned = ({ headers }, body) => {
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const wanted = Buffer.from(`v1,${createHmac('sha256', key).update(text).digest('base64')}`);
  const isFresh = Math.abs(Date.now() / 1_000 - Number(headers['webhook-timestamp'])) < 300;
  return String(headers['webhook-signature'])
    .split(' ')
    .map((each) => Buffer.from(each))
    .some((each) => isFresh && each.length === wanted.length && timingSafeEqual(each, wanted));
};

const answer = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  if (!isSigned(request, body)) return response.writeHead(401).end();
  const { params, attempt } = JSON.parse(body);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ hello: params.name ?? 'world', attempt }));
};

createServer((request, response) => void answer(request, response)).listen(
  Number(process.env.PORT ?? 9000),
);
