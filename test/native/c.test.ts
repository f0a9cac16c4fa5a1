import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

interface NativeTests {
  findCompiler(): string | undefined;
  runNativeTests(): Promise<readonly { name: string; ok: boolean; output: string }[] | undefined>;
}

/** scripts/ is no part of what tsc compiles: it is found from wherever this file was compiled to. */
function script(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'scripts', 'native-test.mjs'))) folder = dirname(folder);
  return pathToFileURL(join(folder, 'scripts', 'native-test.mjs')).href;
}

const { findCompiler, runNativeTests }: NativeTests = await import(script());

const skip = findCompiler() ? false : 'no C compiler: neither clang nor gcc is here';

test('the C code under AddressSanitizer and UndefinedBehaviorSanitizer', { skip }, async (t) => {
  const results = (await runNativeTests()) ?? [];
  assert.ok(results.length >= 5, `only ${results.length} test programs found`);
  for (const { name, ok, output } of results) {
    await t.test(name, () => assert.ok(ok, output));
  }
});
