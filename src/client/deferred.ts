/** A promise, and what settles it: Node 20 has no `Promise.withResolvers`. */
export const createDeferred = <T = void>() => {
  let resolve: (value: T | PromiseLike<T>) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
};
