import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STATIC = join(ROOT, 'static');
const DASHBOARD = join(ROOT, 'src/dashboard');
const BUILT = join(ROOT, 'dist/dashboard');
const PUBLIC = join(ROOT, 'dist/public');
const SWAGGER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** The dashboard, bundled. Names without hashes: an old one is never left over, and answers carry an ETag. */
const buildDashboard = async (): Promise<void> => {
  await build({
    root: DASHBOARD,
    configFile: false,
    logLevel: 'warn',
    mode: 'production',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: BUILT,
      emptyOutDir: true,
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
};

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  );

/** Puts together what the Worker serves as files (`[assets]` in wrangler.toml). */
export const buildAssets = async (): Promise<void> => {
  await buildDashboard();
  const sources = [
    // Headers for all files; Cloudflare reads it, and serves it to nobody.
    ...readdirSync(STATIC).map((file) => ({
      from: join(STATIC, file),
      to: file === '_headers' ? file : join('assets', file),
    })),
    ...['swagger-ui.css', 'swagger-ui-bundle.js'].map((file) => ({
      from: join(SWAGGER, file),
      to: join('assets', basename(file)),
    })),
    ...filesBelow(BUILT).map((file) => ({ from: join(BUILT, file), to: file })),
  ];
  for (const { from, to } of sources) {
    const target = join(PUBLIC, to);
    const content = readFileSync(from);
    mkdirSync(dirname(target), { recursive: true });
    // Every `wrangler dev` that serves this folder starts anew when one of its files is written.
    if (!existsSync(target) || !readFileSync(target).equals(content))
      writeFileSync(target, content);
  }
};
