// bundle.mjs DIST TO: what `cairn` runs, as one file and its chunks in TO/runtime. A small board takes longer to find and read 460 modules than to
// run them. What loads a compiled add-on stays in node_modules, under its name there.
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const [dist, to] = process.argv.slice(2);
const ours = `${realpathSync(dist)}/`;

const required = {
  name: 'required',
  setup({ onLoad, onResolve }) {
    // esbuild follows a plain require() only.
    onLoad({ filter: /\.js$/ }, ({ path }) =>
      path.startsWith(ours)
        ? { contents: readFileSync(path, 'utf8').replaceAll('createRequire(import.meta.url)(', 'require(') }
        : undefined,
    );
    onResolve({ filter: /^\.\/binding$/ }, ({ importer }) =>
      importer.includes('/classic-level/') ? { path: 'classic-level/binding.js', external: true } : undefined,
    );
  },
};

await build({
  entryPoints: [join(dist, 'runtime/main.js')],
  outdir: join(to, 'runtime'),
  bundle: true,
  splitting: true,
  minifyWhitespace: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  external: ['node-gyp-build', 'serialport', 'i2c-bus', 'onoff', 'cbor-extract'],
  banner: { js: "import{createRequire as $from}from'node:module';const require=$from(import.meta.url);" },
  plugins: [required],
});
