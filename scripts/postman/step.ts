/** One request of the collection, with its tests. */
export interface Step {
  name: string;
  call: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** The variable with the bearer, where it is not the API key. */
  token?: string;
  query?: Record<string, string>;
  status: number | number[];
  /** JavaScript that looks at `json`; the text is its test's name. */
  tests?: Record<string, string>;
  /** Variables for later requests: name and expression on `json`. */
  keep?: Record<string, string>;
}

export const SUM = { type: 'sum', params: { a: 5, b: 3 } };
export const LATER = { ...SUM, title: 'Later', delay_seconds: 3_600 };
export const isStatus = (status: string) => ({
  [`is ${status}`]: `pm.expect(json.status).to.equal('${status}')`,
});
