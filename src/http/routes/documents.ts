import { Hono } from 'hono';
import { html } from 'hono/html';
import * as z from 'zod';
import type { AppEnv } from '../context.ts';
import { docs, type RouteDocs } from '../middleware/docs.ts';
import { scope } from '../middleware/scope.ts';
import { buildDocument } from '../openapi/document.ts';

/**
 * Only what these pages use, and only from here. Both readers set styles and show pictures that
 * they carry within.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  // Redoc searches in a worker that it makes of its own text.
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A page whose scripts and styles lie under `/assets`; scripts/assets.ts puts them there. */
const buildPage = (title: string, assets: { style: string; scripts: string[] }) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/assets/${assets.style}" />
      </head>
      <body>
        <main id="docs"></main>
        ${assets.scripts.map((script) => html`<script src="/assets/${script}"></script>`)}
      </body>
    </html>`;

const PAGE: Pick<RouteDocs, 'tag' | 'isStatic' | 'answers'> = {
  tag: 'Operations',
  isStatic: true,
  answers: { 200: { description: 'The page', body: 'text/html' } },
};

/**
 * The document of this API, and two pages that show it, all from here. `app`: the whole app, once
 * it is put together.
 */
export const createDocumentRoutes = (app: () => Hono<AppEnv>) =>
  new Hono<AppEnv>()
    .get(
      '/openapi.json',
      docs({
        id: 'openapi',
        tag: 'Operations',
        summary: 'This document',
        isStatic: true,
        answers: {
          200: { description: 'OpenAPI 3.1', body: z.looseObject({ openapi: z.string() }) },
        },
      }),
      scope('public'),
      async (c) => c.json(await buildDocument(app(), new URL(c.req.url).origin)),
    )
    .get(
      '/docs',
      docs({ ...PAGE, id: 'docs', summary: 'The document in Swagger UI, to try out' }),
      scope('public'),
      (c) => {
        const scripts = ['swagger-ui-bundle.js', 'docs.js'];
        const page = buildPage('Tasker API', { style: 'swagger-ui.css', scripts });
        return c.html(page, 200, { 'Content-Security-Policy': POLICY });
      },
    )
    .get(
      '/redoc',
      docs({ ...PAGE, id: 'redoc', summary: 'The document, to read' }),
      scope('public'),
      (c) => {
        const scripts = ['redoc.standalone.js', 'redoc.js'];
        const page = buildPage('Tasker API', { style: 'redoc.css', scripts });
        return c.html(page, 200, { 'Content-Security-Policy': POLICY });
      },
    );
