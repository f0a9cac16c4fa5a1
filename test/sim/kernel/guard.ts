/** Sources of time and chance that are not the simulation's. */
const FORBIDDEN: readonly (readonly [object: object, name: string])[] = [
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [globalThis, 'Date'],
  [Math, 'random'],
  [performance, 'now'],
  [process, 'hrtime'],
  [globalThis.crypto, 'getRandomValues'],
];

/** While `run` goes on, whoever asks for the real time, a real timer or real chance gets an error. */
export async function guarded<T>(run: () => Promise<T>): Promise<T> {
  const before = FORBIDDEN.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name));
  for (const [object, name] of FORBIDDEN) {
    const refuse = (): never => {
      throw new Error(`${name} is not the simulation's`);
    };
    Object.defineProperty(object, name, { configurable: true, writable: true, value: refuse });
  }
  try {
    return await run();
  } finally {
    for (const [i, [object, name]] of FORBIDDEN.entries()) {
      const descriptor = before[i];
      if (descriptor) Object.defineProperty(object, name, descriptor);
      else Reflect.deleteProperty(object, name);
    }
  }
}
