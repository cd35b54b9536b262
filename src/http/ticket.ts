import { toHex, sha256 } from '../domain/hash.ts';

// A ticket opens one stream, once, within 30 s: a browser cannot send a header with a WebSocket,
// and a key does not belong into a URL. It names its owner, so that the Worker that redeems it
// knows which board to ask.

const TICKET = /^ticket\.([\w-]+)\.([0-9a-f]{64})$/;

const encode = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const decode = (text: string): string => {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  );
  return new TextDecoder().decode(bytes);
};

/** A new ticket, 256 random bits; what is kept of it is its hash. */
export const createTicket = async (owner: string): Promise<{ ticket: string; hash: string }> => {
  const secret = toHex(crypto.getRandomValues(new Uint8Array(32)));
  const ticket = `${encode(owner)}.${secret}`;
  return { ticket, hash: await sha256(ticket) };
};

/** The ticket among the subprotocols that a browser asks for; null when there is none. */
export const findTicket = async (
  subprotocols: string | undefined,
): Promise<{ owner: string; hash: string } | null> => {
  for (const word of subprotocols?.split(',') ?? []) {
    const [, owner, secret] = TICKET.exec(word.trim()) ?? [];
    if (owner === undefined) continue;
    try {
      return { owner: decode(owner), hash: await sha256(`${owner}.${secret}`) };
    } catch {
      return null; // Not base64: it was not made here.
    }
  }
  return null;
};
