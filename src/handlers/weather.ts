import * as z from 'zod';
import { GiveUp } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import { saidText } from '../domain/said-text.ts';
import { defineHandler } from './handler.ts';
import { AnswerTooLong } from './provider-fetch.ts';
import { toBadAnswer, toRefusal, toUnreachable } from './provider.ts';

const PROVIDER = 'OpenWeatherMap';

/** The fields that are used of a current weather answer (https://openweathermap.org/current). */
const answerSchema = z.object({
  name: z.string().max(200),
  // Seconds, within what a date can hold.
  dt: z.number().min(0).max(8.64e12),
  sys: z.object({ country: z.string().max(10).optional() }),
  main: z.object({
    temp: z.number(),
    feels_like: z.number(),
    humidity: z.number(),
    pressure: z.number(),
  }),
  wind: z.object({ speed: z.number() }),
  weather: z.array(z.object({ description: z.string().max(200) })),
});

/** The provider's word for kelvin. */
const UNITS = { metric: 'metric', imperial: 'imperial', kelvin: 'standard' } as const;

export const weather = defineHandler({
  type: 'weather',
  description: 'The weather of a city now, by OpenWeatherMap.',
  lane: 'external',
  params: z.strictObject({
    city: z.string().trim().pipe(saidText(200)),
    units: z.enum(['metric', 'imperial', 'kelvin']).default('metric'),
  }),
  example: { city: 'Lisbon', units: 'metric' },
  needs: ['OPENWEATHER_API_KEY'],
  isMetered: true,
  reuseSeconds: 600,
  timeoutMs: 15_000,
  run: async ({ params: { city, units }, secrets, fetch, signal }) => {
    const { OPENWEATHER_API_KEY: key = '', OPENWEATHER_BASE_URL: base } = secrets;
    const query = new URLSearchParams({ q: city, units: UNITS[units], appid: key });
    const ask = async (): Promise<{ response: Response; text: string }> => {
      const response = await fetch(
        `${base.replace(/\/$/, '')}/data/2.5/weather?${query.toString()}`,
      );
      return { response, text: await response.text() };
    };
    const { response, text } = await ask().catch((error: unknown) => {
      signal.throwIfAborted();
      throw error instanceof AnswerTooLong ? toBadAnswer(PROVIDER) : toUnreachable(PROVIDER);
    });
    if (response.status === 404)
      throw new GiveUp(`${PROVIDER} knows no city "${city}"`, 'city_not_found');
    if (!response.ok) {
      const retryAfter = response.headers.get('Retry-After');
      throw toRefusal(PROVIDER, 'OPENWEATHER_API_KEY', { status: response.status, retryAfter });
    }
    const parsed = answerSchema.safeParse(parseJson(text));
    if (!parsed.success) throw toBadAnswer(PROVIDER);
    const { name, dt, sys, main, wind, weather: seen } = parsed.data;
    return {
      city: name,
      country: sys.country ?? null,
      units,
      temperature: main.temp,
      feels_like: main.feels_like,
      humidity: main.humidity,
      pressure: main.pressure,
      wind_speed: wind.speed,
      conditions: seen.map(({ description }) => description).join(', '),
      observed_at: new Date(dt * 1_000).toISOString(),
    };
  },
});
