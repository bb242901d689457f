// Trusted work with the bundler, before any foreign code is loaded: no configuration of the project
// is read and none of its code runs.
//
// `node bundle.mjs runtime FROM TO` makes our test program, with vitest inside of it, in one file.
// `node bundle.mjs tests` reads {tree, files, locked, modules} on standard input and writes, for
// each test file, the modules it needs as JSON on standard output.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// in the package this file lies beside no node_modules; the folder of the tools is the last word
const folder = process.argv[process.argv.length - 1];
const { rolldown } = await import(
  pathToFileURL(createRequire(path.join(folder, 'package.json')).resolve('rolldown')).href
);

const quiet = { logLevel: 'silent', platform: 'node', treeshake: false };
const isBuiltin = (name) => name.startsWith('node:') || builtinModules.includes(name);

const makeRuntime = async (from, to) => {
  const bundle = await rolldown({
    ...quiet,
    input: from,
    treeshake: true,
    external: (name) => isBuiltin(name),
    resolve: { modules: [path.join(folder, 'node_modules')], conditionNames: ['node', 'import'] },
  });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  writeFileSync(to, output[0].code);
};

const MOCKS = /\bvi(?:test)?\s*\.\s*(?:mock|doMock)\s*\(/;
const project = ({ tree, locked, modules }) => ({
  name: 'project',
  transform(code, id) {
    if (!locked.includes(path.relative(tree, id)) || !MOCKS.test(code)) return null;
    throw new Error('vi.mock is not supported here: use vi.spyOn, or hand the dependency in');
  },
  async resolveId(name, importer, { isEntry }) {
    if (isEntry) return null;
    if (isBuiltin(name)) return { id: name, external: true };
    const inside = importer && !importer.includes('/node_modules/');
    const held = !inside || locked.includes(path.relative(tree, importer));
    if (name === 'vitest' || name.startsWith('vitest/')) {
      if (held && name === 'vitest') return { id: 'vitest', external: true };
      const where = path.relative(tree, importer);
      throw new Error(`${where} imports ${name}, which only locked tests may`);
    }
    let found = await this.resolve(name, importer, { skipSelf: true });
    if (!found && modules) {
      found = await this.resolve(name, path.join(modules, 'index.js'), { skipSelf: true });
    }
    if (!found) throw new Error(`cannot find ${name}, imported by ${path.relative(tree, importer)}`);
    if (!found.id.includes('/node_modules/')) return found;
    return { id: pathToFileURL(found.id).href, external: true };
  },
});

const makeTests = async (wanted) => {
  const told = {};
  for (const file of wanted.files) {
    try {
      const bundle = await rolldown({
        ...quiet,
        cwd: wanted.tree,
        input: path.join(wanted.tree, file),
        plugins: [project({ ...wanted, tree: realpathSync(wanted.tree) })],
        tsconfig: false,
        transform: { jsx: 'react-jsx', define: { 'import.meta.vitest': 'undefined' } },
      });
      const { output } = await bundle.generate({
        format: 'esm', preserveModules: true, entryFileNames: '[name].mjs',
      });
      told[file] = {
        modules: output.filter((one) => one.type === 'chunk').map((one) => ({
          name: one.fileName, code: one.code, path: one.facadeModuleId ?? '', entry: one.isEntry,
        })),
      };
    } catch (error) {
      told[file] = { error: String(error?.message ?? error).slice(0, 1500) };
    }
  }
  process.stdout.write(JSON.stringify(told));
};

if (process.argv[2] === 'runtime') await makeRuntime(process.argv[3], process.argv[4]);
else await makeTests(JSON.parse(readFileSync(0, 'utf8')));
