CREATE TABLE `tasks_rebuilt` (
	`owner` text NOT NULL,
	`id` text NOT NULL,
	`status` text NOT NULL,
	`queue` text NOT NULL,
	`type` text NOT NULL,
	`priority` text NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`max_attempts` integer NOT NULL,
	`attempt_budget` integer NOT NULL,
	`rescues` integer DEFAULT 0 NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`timeout_ms` integer NOT NULL,
	`held` text,
	`wake_at` integer,
	`submitted_at` integer NOT NULL,
	`scheduled_at` integer,
	`started_at` integer,
	`completed_at` integer,
	`updated_at` integer NOT NULL,
	`expires_at` integer,
	`alias` text,
	`request_id` text,
	`reused_from` text,
	`reuse_key` text,
	`callback_url` text,
	`idempotency_key` text,
	`fingerprint` text,
	`failure_sinks` text,
	`limit_key` text,
	`sub_key` text DEFAULT '' NOT NULL,
	`turn` text,
	`slot` integer,
	`parent_id` text,
	`flow_id` text,
	`node` text,
	`blocked_by` integer,
	`snoozes` integer DEFAULT 0 NOT NULL,
	`end_reason` text,
	`created_by_key` text,
	`traceparent` text,
	`progress` text,
	`tags` text DEFAULT '[]' NOT NULL,
	`title` text,
	`description` text,
	`attempts` text DEFAULT '[]' NOT NULL,
	`checkpoint` text,
	`params` text NOT NULL,
	`result` text,
	PRIMARY KEY(`owner`, `id`),
	CONSTRAINT "status_known" CHECK(status IN ('NEW', 'PENDING', 'IN_PROGRESS', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED')),
	CONSTRAINT "completed_at_in_final" CHECK((completed_at IS NOT NULL) = (status IN ('COMPLETED', 'FAILED', 'CANCELLED'))),
	CONSTRAINT "lease_in_progress" CHECK(status <> 'IN_PROGRESS' OR wake_at IS NOT NULL),
	CONSTRAINT "nothing_owed" CHECK(status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED', 'PAUSED') OR wake_at IS NULL),
	CONSTRAINT "held_known" CHECK(held IS NULL OR held IN ('time', 'queue', 'lease', 'worker', 'person', 'limit', 'flow')),
	CONSTRAINT "result_in_completed" CHECK((result IS NOT NULL) = (status = 'COMPLETED')),
	CONSTRAINT "attempts_bounded" CHECK(attempt <= max_attempts + rescues),
	CONSTRAINT "rescues_bounded" CHECK(rescues BETWEEN 0 AND 3)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO tasks_rebuilt (held, owner, id, status, queue, type, priority, attempt, max_attempts, attempt_budget, rescues, version, timeout_ms, wake_at, submitted_at, scheduled_at, started_at, completed_at, updated_at, alias, request_id, reused_from, reuse_key, callback_url, idempotency_key, fingerprint, failure_sinks, progress, tags, title, description, attempts, params, result) SELECT CASE WHEN status = 'NEW' THEN 'time' WHEN status = 'IN_PROGRESS' THEN 'lease' WHEN status = 'PENDING' AND wake_at IS NULL THEN 'queue' END, owner, id, status, queue, type, priority, attempt, max_attempts, attempt_budget, rescues, version, timeout_ms, wake_at, submitted_at, scheduled_at, started_at, completed_at, updated_at, alias, request_id, reused_from, reuse_key, callback_url, idempotency_key, fingerprint, failure_sinks, progress, tags, title, description, attempts, params, result FROM tasks;
--> statement-breakpoint
CREATE TABLE `deliveries_rebuilt` (
	`owner` text NOT NULL,
	`task_id` text NOT NULL,
	`version` integer NOT NULL,
	`sink` text NOT NULL,
	`status` text NOT NULL,
	`attempt` integer NOT NULL,
	`state` text NOT NULL,
	`tries` integer DEFAULT 0 NOT NULL,
	`owed_at` integer NOT NULL,
	`due_at` integer NOT NULL,
	`wake_at` integer,
	`ended_at` integer,
	`last_error` text,
	PRIMARY KEY(`owner`, `task_id`, `version`, `sink`),
	FOREIGN KEY (`owner`,`task_id`) REFERENCES `tasks_rebuilt`(`owner`,`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "open_is_watched" CHECK((state = 'OPEN') = (wake_at IS NOT NULL) AND (state = 'OPEN') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO deliveries_rebuilt SELECT * FROM deliveries;
--> statement-breakpoint
DROP TABLE deliveries;
--> statement-breakpoint
DROP TABLE tasks;
--> statement-breakpoint
ALTER TABLE tasks_rebuilt RENAME TO tasks;
--> statement-breakpoint
ALTER TABLE deliveries_rebuilt RENAME TO deliveries;
--> statement-breakpoint
CREATE INDEX `tasks_due` ON `tasks` (`held`,`queue`,`wake_at`) WHERE wake_at IS NOT NULL OR held IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `tasks_by_status` ON `tasks` (`owner`,`status`,`id`) WHERE status <> 'COMPLETED';
--> statement-breakpoint
CREATE INDEX `tasks_by_type` ON `tasks` (`owner`,`type`,`id`);
--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_idempotency` ON `tasks` (`owner`,`idempotency_key`) WHERE idempotency_key IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `tasks_reusable` ON `tasks` (`owner`,`reuse_key`,`completed_at`) WHERE reuse_key IS NOT NULL AND status = 'COMPLETED';
--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`wake_at`) WHERE wake_at IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_callback` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.callback_url IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) VALUES (NEW.owner, NEW.id, NEW.version, 'callback', NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_failure` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.failure_sinks IS NOT NULL AND NEW.status = 'FAILED' AND OLD.status <> 'FAILED' BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) SELECT NEW.owner, NEW.id, NEW.version, sinks.value, NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000 FROM json_each(NEW.failure_sinks) AS sinks; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_at_once` AFTER INSERT ON `tasks` WHEN NEW.callback_url IS NOT NULL AND NEW.completed_at IS NOT NULL BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) VALUES (NEW.owner, NEW.id, NEW.version, 'callback', NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_grow` AFTER INSERT ON `tasks` WHEN (octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000')) > 0 BEGIN INSERT INTO owners (owner, task_bytes) VALUES (NEW.owner, (octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000'))) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_resize` AFTER UPDATE OF `result`, `attempts`, `description` ON `tasks` WHEN (octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000')) <> (octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')) BEGIN INSERT INTO owners (owner, task_bytes) VALUES (NEW.owner, ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000'))) - ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')))) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_shrink` AFTER DELETE ON `tasks` WHEN (octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')) > 0 BEGIN INSERT INTO owners (owner, task_bytes) VALUES (OLD.owner, 0 - (octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000'))) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_unhold` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.held IS NOT NULL AND NEW.held IS OLD.held AND NEW.status <> OLD.status BEGIN UPDATE tasks SET held = NULL WHERE owner = NEW.owner AND id = NEW.id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_park` AFTER UPDATE OF `wake_at` ON `tasks` WHEN NEW.status = 'PENDING' AND NEW.wake_at IS NULL AND NEW.held IS NULL BEGIN UPDATE tasks SET held = 'queue' WHERE owner = NEW.owner AND id = NEW.id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_keep_lease` BEFORE UPDATE OF `rescues` ON `tasks` WHEN NEW.rescues > OLD.rescues AND NEW.updated_at < OLD.started_at + min(OLD.timeout_ms + 10000, 60000) BEGIN SELECT RAISE(IGNORE); END;
