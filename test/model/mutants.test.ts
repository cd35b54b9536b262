import { huntMutants } from './hunt.ts';
import { mutants } from './mutants.ts';
import { sound } from './sound.ts';

/** Where each is caught within two runs. */
const SEEDS: Record<string, number> = {
  'no fence on attempt': 96,
  'attempt reset by a retry': 18,
  'sweep that reads and then writes by id': 1,
  'ack before commit': 63,
  'insert without ON CONFLICT': 34,
  'cancel that does not fence': 56,
  'finish that overrides a cancel': 334,
  'alarm set after the insert': 1,
  'an outcome that is said to be kept, and is not': 10,
  'claim that takes an expired lease without counting a rescue': 43,
  'parking that forgets': 1,
  'an insert that goes around the one place for what is runnable': 1,
  'a rescue that goes around it': 1,
  'a settle that is not fenced': 1,
  'an answer without a token, which says itself what task it is for': 2,
  'a lease that renews after a cancel': 1,
  'a lease that renews past the timeout': 11,
  'a clock that forgets what waits for workers': 20,
  'a clock that forgets deliveries': 2,
};

huntMutants('the model', mutants, SEEDS, sound);
