import { TtlCache } from '../../../src/access/ttl-cache';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('keeps a value for 5 s, however the wall clock is set meanwhile', async () => {
  const read = jest.fn(async () => 'user');
  const cache = new TtlCache(read);
  await cache.get(1);
  jest.setSystemTime(Date.now() - 3_600_000);
  jest.advanceTimersByTime(4_900);
  await cache.get(1);
  expect(read).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(200);
  await cache.get(1);
  expect(read).toHaveBeenCalledTimes(2);
  jest.setSystemTime(Date.now() + 3_600_000);
  await cache.get(1);
  expect(read).toHaveBeenCalledTimes(2);
});

it('shares one read among concurrent callers, and keeps no failure', async () => {
  const read = jest.fn(async () => Promise.reject(new Error('the database is away')));
  const cache = new TtlCache<number, string>(read);
  const callers = [cache.get(1), cache.get(1)];
  for (const caller of callers) await expect(caller).rejects.toThrow('the database is away');
  expect(read).toHaveBeenCalledTimes(1);
  await expect(cache.get(1)).rejects.toThrow('the database is away');
  expect(read).toHaveBeenCalledTimes(2);
});
