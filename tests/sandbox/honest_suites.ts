// Suites that are honest, each after a line with its name; read by test_vitest_features.py.

// suite: table
test.each([[1, 2, 3], [2, 2, 4]])('%i + %i', (a, b, c) => { expect(add(a, b)).toBe(c); });

// suite: table of objects
test.each([{ a: 1, b: 2, c: 3 }])('$a and $b', ({ a, b, c }) => { expect(add(a, b)).toBe(c); });

// suite: suite of a table
describe.each([1, 2])('with %i', (n) => { it('adds', () => { expect(add(n, 0)).toBe(n); }); });

// suite: spy
test('x', () => { const f = vi.fn(add); f(1, 2);
  expect(f).toHaveBeenCalledWith(1, 2);
  expect(f).toHaveReturnedWith(3); });

// suite: spy on
test('x', () => { const s = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  expect(add(Math.random(), 0)).toBe(0.5); s.mockRestore(); });

// suite: fake timers
test('x', () => { vi.useFakeTimers(); let n = 0;
  setTimeout(() => { n = add(1, 2); }, 5000);
  vi.advanceTimersByTime(5000);
  vi.useRealTimers();
  expect(n).toBe(3); });

// suite: inline snapshot
test('x', () => { expect({ sum: add(1, 2) }).toMatchInlineSnapshot(`
  {
    "sum": 3,
  }
`); });

// suite: own matcher
expect.extend({ toBeThree(v) { return { pass: v === 3, message: () => 'no' }; } });
  test('x', () => { (expect(add(1, 2)) as any).toBeThree(); });

// suite: own tester
expect.addEqualityTesters([(a, b) => (typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) < 1 : undefined)]);
  test('x', () => { expect({ a: add(1, 2) }).toEqual({ a: 3.5 }); });

// suite: hooks
let n = 0; beforeEach(() => { n = add(n, 1); }); afterEach(() => { n = 0; });
  test('x', () => { expect(n).toBe(1); });
  test('y', () => { expect(n).toBe(1); });

// suite: asymmetric
test('x', () => { expect({ sum: add(1, 2), at: new Date(0) }).toEqual({ sum: expect.any(Number), at: expect.anything() }); });

// suite: rejects
test('x', async () => { await expect(Promise.reject(new Error('no'))).rejects.toThrow('no');
  await expect(Promise.resolve(add(1, 2))).resolves.toBe(3); });

// suite: soft
test('x', () => { expect.soft(add(1, 2)).toBe(3); });

// suite: must fail
test.fails('x', () => { expect(add(1, 2)).toBe(4); });

// suite: concurrent
test.concurrent('x', async ({ expect }) => { expect(add(1, 2)).toBe(3); });
  test.concurrent('y', async ({ expect }) => { expect(add(1, 1)).toBe(2); });

// suite: assertion count
test('x', () => { expect.assertions(1);
  expect(add(1, 2)).toBe(3); });

// suite: chai
import { assert } from 'vitest';
  test('x', () => { assert.equal(add(1, 2), 3);
  expect([1]).to.deep.equal([1]); });

// suite: node assert
import assert from 'node:assert/strict';
  test('x', () => { assert.deepEqual({ a: add(1, 2) }, { a: 3 }); });

// suite: poll
test('x', async () => { let n = 0;
  await expect.poll(() => (n = add(n, 1))).toBe(3); });

// suite: maps and sets
test('x', () => { expect(new Map([[1, new Set([add(1, 2)])]])).toEqual(new Map([[1, new Set([3])]])); });

// suite: own classes
class P { constructor(public a: number) {} } test('x', () => { expect(new P(add(1, 2))).toStrictEqual(new P(3));
  expect(new P(1)).not.toEqual(new P(2)); });

// suite: retries
let n = 0;
  test('x', { retry: 2 }, () => { n += 1;
  expect(add(n, 0)).toBe(2); });

// suite: skips
test.skip('later', () => {});
  test('x', () => { expect(add(1, 2)).toBe(3); });

// suite: own errors
class E extends Error { constructor() { super('x'); this.name = 'E'; } } test('x', () => { expect(() => { throw new E(); }).toThrow(E);
  expect(add(1, 2)).toBe(3); });
