import { Hono } from 'hono';
import { html } from 'hono/html';
import * as z from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import type { AppEnv } from '../context.ts';
import { docs, type RouteDocs } from '../middleware/docs.ts';
import { scope } from '../middleware/scope.ts';
import { buildDocument } from '../openapi/document.ts';
import { PROBLEM_HELP } from '../problem-help.ts';
import { PROBLEMS } from '../problem.ts';

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

const ERRORS_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ERRORS_PAGE = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Tasker: errors</title>
      <link rel="icon" href="data:," />
      <style>
        :root {
          color-scheme: light dark;
        }
        body {
          max-width: 46rem;
          margin: 2rem auto;
          padding: 0 1rem;
          font:
            16px/1.5 system-ui,
            sans-serif;
        }
        section:target {
          outline: 2px solid;
          outline-offset: 0.6rem;
        }
        h2 {
          margin: 1.6rem 0 0;
          font-size: 1.05rem;
        }
        p {
          margin: 0.2rem 0;
        }
      </style>
    </head>
    <body>
      <main>
        <h1>Errors</h1>
        <p>
          Every refusal is a problem detail (RFC 9457) whose <code>code</code> is one of these
          words.
        </p>
        ${(Object.keys(PROBLEMS) as ErrorCode[]).toSorted().map(
          (code) =>
            html`<section id="${code}">
              <h2><code>${code}</code></h2>
              <p>${PROBLEMS[code][0]}: ${PROBLEMS[code][1]}.</p>
              <p>${PROBLEM_HELP[code]}</p>
            </section>`,
        )}
      </main>
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
      '/docs/errors',
      docs({ ...PAGE, id: 'docsErrors', summary: 'Every error code, and what to do about it' }),
      scope('public'),
      (c) => c.html(ERRORS_PAGE, 200, { 'Content-Security-Policy': ERRORS_POLICY }),
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
