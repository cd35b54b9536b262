import { existsSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STATIC = join(ROOT, 'static');
const DASHBOARD = join(ROOT, 'src/dashboard');
const PUBLIC = join(ROOT, 'dist/public');
const { resolve } = createRequire(import.meta.url);
const SWAGGER = dirname(resolve('swagger-ui-dist/package.json'));
const REDOC = dirname(resolve('redoc/package.json'));

/**
 * The files of the dashboard, bundled, by their paths. Names without hashes: an old one is never
 * left over, and answers carry an ETag.
 */
const buildDashboard = async (): Promise<Map<string, Buffer>> => {
  const built = await build({
    root: DASHBOARD,
    configFile: false,
    logLevel: 'warn',
    mode: 'production',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      // In memory: two processes may build at the same time.
      write: false,
      modulePreload: false,
      target: 'es2023',
      rolldownOptions: {
        output: {
          entryFileNames: 'assets/dashboard.js',
          chunkFileNames: 'assets/[name].js',
          assetFileNames: 'assets/dashboard[extname]',
        },
      },
    },
  });
  const [bundle] = [built].flat();
  if (!bundle || !('output' in bundle)) throw new Error('The page was not built');
  return new Map(
    bundle.output.map((file) => [
      file.fileName,
      Buffer.from(file.type === 'chunk' ? file.code : file.source),
    ]),
  );
};

/** A text with one of its parts replaced; throws unless that part is there exactly once. */
const replaceOnce = (text: string, from: string, to: string): string => {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`Not exactly once in Redoc: ${from}`);
  return parts.join(to);
};

/**
 * Redoc as it is bundled, but that it loads no picture from a CDN, and that its menu's names for
 * screen readers are those that it shows.
 */
const readRedoc = (): Buffer => {
  const bundle = readFileSync(join(REDOC, 'bundles/redoc.standalone.js'), 'utf8');
  const own = replaceOnce(bundle, 'https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:,');
  const named = 'role:"menuitem","aria-label":e.sidebarLabel,';
  return Buffer.from(replaceOnce(own, named, 'role:"menuitem",'));
};

/** Puts together what the Worker serves as files (`[assets]` in wrangler.toml). */
export const buildAssets = async (): Promise<void> => {
  const files = await buildDashboard();
  for (const file of readdirSync(STATIC)) {
    // Headers for all files lie on top; Cloudflare reads them, and serves them to no client.
    const to = file === '_headers' ? file : join('assets', file);
    files.set(to, readFileSync(join(STATIC, file)));
  }
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js'])
    files.set(join('assets', file), readFileSync(join(SWAGGER, file)));
  files.set(join('assets', 'redoc.standalone.js'), readRedoc());
  const license = 'redoc.standalone.js.LICENSE.txt';
  files.set(join('assets', license), readFileSync(join(REDOC, 'bundles', license)));
  for (const [to, content] of files) {
    const target = join(PUBLIC, to);
    mkdirSync(dirname(target), { recursive: true });
    // Every `wrangler dev` that serves this folder starts anew when one of its files is written.
    if (!existsSync(target) || !readFileSync(target).equals(content))
      writeFileSync(target, content);
  }
};

/** Changes that come this close together are one. */
const GATHER_MS = 100;

/** Builds again whenever a file of the page changes; a build that fails is shown, and waits. */
export const watchAssets = (): void => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rebuild = (): void => {
    buildAssets().then(
      () => console.log('The page was built again'),
      (error: Error) => console.error(`The page could not be built: ${error.message}`),
    );
  };
  for (const folder of [DASHBOARD, STATIC])
    watch(folder, { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(rebuild, GATHER_MS);
    });
};
