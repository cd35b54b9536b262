import type { RouterRoute } from 'hono/types';

/** The methods that some route takes at this path, for `Allow`; none where the path is unknown. */
export const methodsAt = (routes: readonly RouterRoute[], path: string): string[] => {
  const segments = path.replace(/\/$/, '').split('/');
  const fits = (pattern: string): boolean => {
    const parts = pattern.replace(/\/$/, '').split('/');
    return (
      parts.length === segments.length &&
      parts.every((part, i) => part.startsWith(':') || part === segments[i])
    );
  };
  // Middleware is registered for all methods, and tells nothing.
  const methods = routes
    .filter(({ method, path: pattern }) => method !== 'ALL' && fits(pattern))
    .map(({ method }) => method);
  return methods.length === 0
    ? []
    : [
        ...new Set([
          ...methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
          'OPTIONS',
        ]),
      ];
};
