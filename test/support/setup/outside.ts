import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// The outside world on loopback: a language model, a weather service and receivers of webhooks. A
// stand-in for the providers, which cost money and answer differently every time; it speaks their
// protocols over real HTTP.

const JSON_TYPE = { 'Content-Type': 'application/json' };
const HTML = '<html><body>An error page with a canary-in-the-page</body></html>';

export interface Received {
  headers: Record<string, string>;
  body: string;
  at: number;
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

interface Completion {
  id: string;
  object: string;
  created: number;
  model: string;
  choices: { message: { content: string }; finish_reason: string }[];
  usage: object;
}

/** Ways to go wrong, the first part of a path; true when the answer has been given. */
const misbehave = (how: string, response: ServerResponse): boolean => {
  const send = (status: number, headers: object, body: string): true => {
    response.writeHead(status, headers as Record<string, string>).end(body);
    return true;
  };
  if (how === 'hangs') return true;
  if (how === 'drops') return (response.socket?.destroy(), true);
  if (how === 'garbage') return send(200, JSON_TYPE, '{"choices": [');
  if (how === 'html') return send(200, { 'Content-Type': 'text/html' }, HTML);
  if (how === 'wrong-shape') return send(200, JSON_TYPE, '{"hello":"world"}');
  if (how === 'huge') return send(200, JSON_TYPE, JSON.stringify({ name: 'x'.repeat(20_000_000) }));
  if (how === 'redirects') return send(302, { Location: 'http://127.0.0.1:1/secret' }, '');
  if (how === '429')
    return send(
      429,
      { ...JSON_TYPE, 'Retry-After': '7' },
      JSON.stringify({ error: { message: HTML, code: 'rate_limit_exceeded' } }),
    );
  if (how === '400')
    return send(
      400,
      JSON_TYPE,
      JSON.stringify({ error: { message: HTML, code: 'context_length_exceeded' } }),
    );
  if (how.startsWith('429-'))
    return send(429, { 'Retry-After': decodeURIComponent(how.slice(4)) }, HTML);
  if (how === 'secret-reason')
    return send(400, JSON_TYPE, JSON.stringify({ error: { code: 'a-model-key' } }));
  if (how === 'no-text')
    return send(
      200,
      JSON_TYPE,
      JSON.stringify({
        model: 'm',
        choices: [{ message: { content: null }, finish_reason: 'content_filter' }],
      }),
    );
  if (how === 'bad-event')
    return send(200, { 'Content-Type': 'text/event-stream' }, 'data: {"choices": 5}\n\n');
  return Number(how) ? send(Number(how), { 'Content-Type': 'text/html' }, HTML) : false;
};

const chat = (body: string): Completion => {
  const { model, messages, max_tokens, temperature } = JSON.parse(body) as {
    model: string;
    messages: { content: string }[];
    max_tokens: number;
    temperature: number;
  };
  const said = messages[0]?.content;
  const content =
    said === 'What was sent?'
      ? Object.keys(JSON.parse(body) as object)
          .filter((name) => !name.startsWith('stream'))
          .join(' ')
      : `You said: ${said} (${max_tokens}, ${temperature})`;
  const message = { role: 'assistant', content };
  const choices = [{ index: 0, message, finish_reason: 'stop', logprobs: null }];
  const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model,
    choices,
    usage,
  };
};

/**
 * The same word by word, as `stream: true` asks for; `breaks-off` ends in the middle, and a prompt
 * `tokens:2000@100` has 2 000 pieces, 100 a second.
 */
const streamChat = async (
  response: ServerResponse,
  { choices: [choice], usage, ...head }: Completion,
  how: string,
): Promise<void> => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const send = (value: object | string): boolean =>
    response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
  const sendPart = (content: string | null, finish_reason: string | null): boolean =>
    send({ ...head, choices: [{ index: 0, delta: { content }, finish_reason }] });
  const content = choice?.message.content ?? '';
  const [, count, rate] = /tokens:(\d+)@(\d+)/.exec(content) ?? [];
  if (count === undefined) for (const word of content.split(/(?<= )/)) sendPart(word, null);
  // Each tells when it left.
  for (let i = 0; i < Number(count) && !response.destroyed; i += 1) {
    sendPart(`token${i}@${Date.now()} `, null);
    await new Promise((resolve) => setTimeout(resolve, 1_000 / Number(rate)));
  }
  if (how === 'breaks-off') return void response.destroy();
  if (how === 'ends-early') return void response.end();
  sendPart(null, choice?.finish_reason ?? 'stop');
  send({ ...head, choices: [], usage });
  send('[DONE]');
  response.end();
};

/** As OpenWeatherMap answers: https://openweathermap.org/current */
const weather = (query: URLSearchParams): unknown => {
  const temp = { metric: 21.5, imperial: 70.7, standard: 294.65 }[query.get('units') ?? ''] ?? 0;
  return {
    coord: { lon: -9.13, lat: 38.72 },
    weather: [{ id: 800, main: 'Clear', description: 'clear sky', icon: '01d' }],
    main: { temp, feels_like: temp, temp_min: temp, temp_max: temp, pressure: 1_018, humidity: 60 },
    wind: { speed: 4.1, deg: 320 },
    dt: 1_700_000_000,
    sys: { country: 'PT', sunrise: 1, sunset: 2 },
    name: query.get('q'),
    cod: 200,
  };
};

/**
 * `/<fault or ok>/v1/chat/completions`, `/<fault or ok>/data/2.5/weather`, `/hook/<name>?fails=n`,
 * `GET /received/<name>`.
 */
export const startOutside = async (): Promise<{ url: string; close(): Promise<void> }> => {
  const received = new Map<string, Received[]>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const url = new URL(request.url ?? '/', 'http://outside');
    const [, how = '', name = ''] = url.pathname.split('/');
    const body = await readBody(request);
    const json = (status: number, value: unknown) =>
      response.writeHead(status, JSON_TYPE).end(JSON.stringify(value));
    if (how === 'received') return json(200, received.get(name) ?? []);
    if (how === 'hook') {
      const all = received.get(name) ?? [];
      received.set(name, all);
      all.push({ headers: request.headers as Record<string, string>, body, at: Date.now() });
      const fails = Number(url.searchParams.get('fails') ?? 0);
      if (misbehave(url.searchParams.get('how') ?? '', response)) return;
      return response.writeHead(all.length <= fails ? 503 : 204).end();
    }
    // A fault is chosen by the path, or by what is asked for.
    const asked = /fault:([\w-]+)/.exec(`${body}${url.searchParams.get('q')}`)?.[1];
    if (misbehave(asked ?? how, response)) return;
    if (url.pathname.endsWith('/chat/completions')) {
      if (request.headers.authorization !== 'Bearer a-model-key')
        return json(401, { error: { message: 'Incorrect API key provided: a-model-key' } });
      const { stream = false } = JSON.parse(body) as { stream?: boolean };
      if (!stream || how === 'plain') return json(200, chat(body));
      return await streamChat(response, chat(body), asked ?? how);
    }
    if (url.searchParams.get('appid') !== 'a-weather-key')
      return json(401, { cod: 401, message: 'Invalid API key' });
    return json(200, weather(url.searchParams));
  };
  const server = createServer(
    (request, response) => void serve(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
};
