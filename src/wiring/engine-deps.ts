import type { EndpointDeps } from '../deliveries/endpoint.ts';
import type { DelivererDeps } from '../deliveries/deliverer.ts';
import type { SendDeliveries } from '../deliveries/queue.ts';
import type { DeliverySender } from '../deliveries/sender.ts';
import type { CommitListener } from '../domain/commit-listener.ts';
import type { PruneCutoffs } from '../domain/retention.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import type { LimitAdmission } from '../engine/admission.ts';
import type { ArchiverDeps } from '../engine/archiver.ts';
import type { OrphansDeps } from '../engine/orphans.ts';
import type { LargeBodies } from '../engine/large-bodies.ts';
import type { Elsewhere } from '../engine/elsewhere.ts';
import type { FlowRelease, FlowReleaseDeps } from '../engine/flow-release.ts';
import type { LongTaskRun } from '../engine/long-tasks.ts';
import type { RunReporterDeps } from '../engine/run-reporter.ts';
import type { ExecutorDeps } from '../engine/executor.ts';
import type { StartTracing } from '../engine/task-runner.ts';
import type { Recorder } from '../engine/recorder.ts';
import type { UniqueTaskDeps } from '../engine/unique-tasks.ts';
import type { QueueBindings } from '../engine/task-queues.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Files, HandlerDependencies } from '../handlers/handler.ts';
import type { CountRequest } from '../handlers/provider-fetch.ts';
import type { Logger } from '../log.ts';
import type { Leftover } from '../store/deletions.ts';
import type { Recording } from '../store/recordings.ts';
import type { Sweeps } from '../store/sweeps.ts';

/** All that the engine of one database needs from outside. */
export interface EngineDeps {
  db: D1Database;
  queues: QueueBindings;
  catalog: Catalog;
  dependencies: HandlerDependencies;
  /** Endpoints of registered types. */
  endpoints: Pick<EndpointDeps, 'root' | 'rules' | 'fetch'>;
  largeBodies: LargeBodies;
  bodies: OrphansDeps['bodies'] & ArchiverDeps['bodies'];
  keepOwn: OrphansDeps['keepOwn'];
  /** Where what is pruned is kept; null: nowhere. */
  archive: ArchiverDeps['archive'] | null;
  openFiles(owner: string): Files;
  countRequest: CountRequest;
  listeners: readonly CommitListener[];
  /** Where the owners of rows are that are not found here; unset where there is one database. */
  elsewhere?: Elsewhere;
  /** The Dispatcher of this database. */
  dispatcher: {
    ensureAlarmBy(at: number): Promise<void>;
    tryReserve(owner: string, count: number): Promise<boolean>;
    keepRecordings(texts: string[]): Promise<void>;
    record(recordings: readonly Recording[]): Promise<Task[]>;
  };
  /** Whether the owner may run one more task of a metered type just now; if so it is counted. */
  tryConsume(owner: string): Promise<boolean>;
  workflow: Pick<Workflow<LongTaskRun>, 'createBatch' | 'get'>;
  invalidate(keys: TaskKey[]): Promise<void>;
  closeStreams(owner: string, ids: string[]): Promise<void>;
  removeLeftovers(leftovers: readonly Leftover[]): Promise<void>;
  submitChild: ExecutorDeps['submitChild'];
  startTracing: StartTracing;
  publishRuns: RunReporterDeps['publishRuns'];
  deliveries: {
    /** Where every failure is delivered to, as a JSON list; null for nowhere. */
    failureSinks: string | null;
    sendToQueue: SendDeliveries;
    sender: DeliverySender;
    publicUrl: string;
    countTry: DelivererDeps['countTry'];
  };
  countConflict: UniqueTaskDeps['countConflict'];
  countFlowEnd: FlowReleaseDeps['countFlowEnd'];
  /** Whether tasks are found by values in their parameters. */
  hasSearchIndex: boolean;
  /** Tasks with a longer timeout are run by a Workflow. */
  longTaskMs: number;
  /** When tasks must have ended to be deleted, at `now` (ms). */
  computeCutoffs(now: number): PruneCutoffs;
  pruneWhenFull: boolean;
  /** Bytes that the database may take up. */
  databaseLimitBytes: number;
  maxUnfinished: number;
  maxStoredBytes: number;
  now(): number;
  wait(ms: number): Promise<void>;
  random(): number;
  log: Logger;
  /** For tests: puts something else in the place of a part. */
  replace?: {
    sweeps?(real: Sweeps): Sweeps;
    recorder?(real: Recorder): Recorder;
    admission?(real: LimitAdmission): LimitAdmission;
    flowRelease?(real: FlowRelease): FlowRelease;
  };
}
