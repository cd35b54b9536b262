import { Hono, type Context } from 'hono';
import type { RouterRoute } from 'hono/types';
import * as z from 'zod';
import type { AppEnv } from '../context.ts';
import { documentOf } from './document.ts';
import { describe, type Operation } from './operation.ts';
import { readingPage, swaggerPage } from './pages.ts';

/** Only what these pages use, and only from here; Swagger UI sets styles and shows pictures that it carries within. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = (id: string, summary: string): Operation => ({
  id,
  access: 'open',
  tag: 'Around it',
  summary,
  isStatic: true,
  answers: { 200: { description: 'The page', body: 'text/html' } },
});

/** The document of this API, and two pages that show it, all from here. `routes`: of the whole app, once it is put together. */
export const documentation = (routes: () => readonly RouterRoute[]) => {
  const documentAt = (c: Context<AppEnv>) => documentOf(routes(), new URL(c.req.url).origin);
  return new Hono<AppEnv>()
    .get(
      '/openapi.json',
      describe({
        id: 'openapi',
        access: 'open',
        tag: 'Around it',
        summary: 'This document',
        isStatic: true,
        answers: {
          200: { description: 'OpenAPI 3.1', body: z.looseObject({ openapi: z.string() }) },
        },
      }),
      (c) => c.json(documentAt(c)),
    )
    .get('/docs', describe(page('docs', 'The document in Swagger UI, to try out')), (c) =>
      c.html(swaggerPage(), 200, { 'Content-Security-Policy': POLICY }),
    )
    .get('/redoc', describe(page('redoc', 'The document, to read')), (c) =>
      c.html(readingPage(documentAt(c)), 200, { 'Content-Security-Policy': POLICY }),
    );
};
