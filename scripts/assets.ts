import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STATIC = join(ROOT, 'static');
const PUBLIC = join(ROOT, 'dist/public');
const ASSETS = join(PUBLIC, 'assets');
const SWAGGER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** Puts together what the Worker serves as files (`[assets]` in wrangler.toml). */
export const buildAssets = (): void => {
  mkdirSync(ASSETS, { recursive: true });
  const sources = [
    ...readdirSync(STATIC).map((file) => join(STATIC, file)),
    ...['swagger-ui.css', 'swagger-ui-bundle.js'].map((file) => join(SWAGGER, file)),
  ];
  for (const source of sources) {
    const name = basename(source);
    // Headers for all files; Cloudflare reads it, and serves it to nobody.
    const target = join(name === '_headers' ? PUBLIC : ASSETS, name);
    const content = readFileSync(source);
    // Every `wrangler dev` that serves this folder starts anew when one of its files is written.
    if (!existsSync(target) || !readFileSync(target).equals(content)) writeFileSync(target, content);
  }
};
