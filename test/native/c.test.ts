import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { projectFile } from './paths.js';

interface NativeTests {
  findCompiler(): string | undefined;
  runNativeTests(): Promise<readonly { name: string; ok: boolean; output: string }[] | undefined>;
}

const { findCompiler, runNativeTests }: NativeTests = await import(
  pathToFileURL(projectFile('scripts/native-test.mjs')).href
);

const skip = findCompiler() ? false : 'no C compiler: neither clang nor gcc is here';

test('the C code under AddressSanitizer and UndefinedBehaviorSanitizer', { skip }, async (t) => {
  const results = (await runNativeTests()) ?? [];
  assert.ok(results.length >= 5, `only ${results.length} test programs found`);
  for (const { name, ok, output } of results) {
    await t.test(name, () => assert.ok(ok, output));
  }
});
