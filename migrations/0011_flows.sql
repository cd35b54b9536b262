CREATE TABLE `flow_edges` (
	`owner` text NOT NULL,
	`before` text NOT NULL,
	`follower` text NOT NULL,
	PRIMARY KEY(`owner`, `before`, `follower`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `flows` (
	`owner` text NOT NULL,
	`id` text NOT NULL,
	`name` text,
	`status` text NOT NULL,
	`on_failure` text NOT NULL,
	`open` integer NOT NULL,
	`tasks` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`submitted_at` integer NOT NULL,
	`started_at` integer,
	`completed_at` integer,
	`cancelled_at` integer,
	`deleted_at` integer,
	`updated_at` integer NOT NULL,
	`callback_url` text,
	`idempotency_key` text,
	`fingerprint` text,
	`request_id` text,
	`created_by_key` text,
	PRIMARY KEY(`owner`, `id`),
	CONSTRAINT "flow_status_known" CHECK(status IN ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED')),
	CONSTRAINT "on_failure_known" CHECK(on_failure IN ('stop', 'continue')),
	CONSTRAINT "completed_at_in_final" CHECK((completed_at IS NOT NULL) = (status IN ('COMPLETED', 'FAILED', 'CANCELLED'))),
	CONSTRAINT "final_has_nothing_open" CHECK(completed_at IS NULL OR open = 0),
	CONSTRAINT "open_of_tasks" CHECK(open BETWEEN 0 AND tasks)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `flows_by_status` ON `flows` (`owner`,`status`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `flows_idempotency` ON `flows` (`owner`,`idempotency_key`) WHERE idempotency_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX `flows_ended` ON `flows` (`completed_at`) WHERE completed_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `flows_deleted` ON `flows` (`deleted_at`) WHERE deleted_at IS NOT NULL;--> statement-breakpoint
DROP TRIGGER `tasks_owe_callback`;
--> statement-breakpoint
DROP TRIGGER `tasks_owe_failure`;
--> statement-breakpoint
DROP TRIGGER `tasks_owe_at_once`;
--> statement-breakpoint
DROP TRIGGER `tasks_resize`;
--> statement-breakpoint
CREATE TABLE `__new_deliveries` (
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
	`subject` text DEFAULT 'task' NOT NULL,
	PRIMARY KEY(`owner`, `task_id`, `version`, `sink`),
	CONSTRAINT "open_is_watched" CHECK((state = 'OPEN') = (wake_at IS NOT NULL) AND (state = 'OPEN') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `__new_deliveries`("owner", "task_id", "version", "sink", "status", "attempt", "state", "tries", "owed_at", "due_at", "wake_at", "ended_at", "last_error") SELECT "owner", "task_id", "version", "sink", "status", "attempt", "state", "tries", "owed_at", "due_at", "wake_at", "ended_at", "last_error" FROM `deliveries`;--> statement-breakpoint
DROP TABLE `deliveries`;--> statement-breakpoint
ALTER TABLE `__new_deliveries` RENAME TO `deliveries`;--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`wake_at`) WHERE wake_at IS NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `template` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `item` integer;--> statement-breakpoint
ALTER TABLE `tasks` ADD `for_each` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `items` integer;--> statement-breakpoint
ALTER TABLE `tasks` ADD `delay_ms` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_by_flow` ON `tasks` (`owner`,`flow_id`,`node`,`item`) WHERE flow_id IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_callback` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.callback_url IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) VALUES (NEW.owner, NEW.id, NEW.version, 'callback', NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_failure` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.failure_sinks IS NOT NULL AND NEW.status = 'FAILED' AND OLD.status <> 'FAILED' BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) SELECT NEW.owner, NEW.id, NEW.version, sinks.value, NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000 FROM json_each(NEW.failure_sinks) AS sinks; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_at_once` AFTER INSERT ON `tasks` WHEN NEW.callback_url IS NOT NULL AND NEW.completed_at IS NOT NULL BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) VALUES (NEW.owner, NEW.id, NEW.version, 'callback', NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_resize` AFTER UPDATE OF `result`, `attempts`, `description`, `params` ON `tasks` WHEN (octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000')) <> (octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')) BEGIN INSERT INTO owners (owner, task_bytes) VALUES (NEW.owner, ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000'))) - ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')))) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_drop_deliveries` AFTER DELETE ON `tasks` BEGIN DELETE FROM deliveries WHERE owner = OLD.owner AND task_id = OLD.id; END;
--> statement-breakpoint
CREATE TRIGGER `flows_drop_deliveries` AFTER DELETE ON `flows` BEGIN DELETE FROM deliveries WHERE owner = OLD.owner AND task_id = OLD.id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_need_flow` BEFORE INSERT ON `tasks` WHEN NEW.flow_id IS NOT NULL BEGIN SELECT RAISE(IGNORE) WHERE NOT EXISTS (SELECT 1 FROM flows WHERE owner = NEW.owner AND id = NEW.flow_id AND deleted_at IS NULL) OR (NEW.item IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_by_flow WHERE owner = NEW.owner AND flow_id = NEW.flow_id AND node = NEW.node AND item IS NULL AND held = 'flow' AND blocked_by = 0 AND items IS NULL)); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_count_item` AFTER INSERT ON `tasks` WHEN NEW.item IS NOT NULL BEGIN UPDATE flows SET open = open + 1, tasks = tasks + 1, version = version + 1, updated_at = NEW.submitted_at WHERE owner = NEW.owner AND id = NEW.flow_id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_begin_flow` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.flow_id IS NOT NULL AND NEW.status = 'IN_PROGRESS' BEGIN UPDATE flows SET status = 'IN_PROGRESS', started_at = coalesce(started_at, NEW.started_at), version = version + 1, updated_at = NEW.updated_at WHERE owner = NEW.owner AND id = NEW.flow_id AND status = 'PENDING'; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_end_node` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.flow_id IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL BEGIN UPDATE flows SET status = 'IN_PROGRESS', started_at = coalesce(started_at, NEW.completed_at) WHERE owner = NEW.owner AND id = NEW.flow_id AND status = 'PENDING'; UPDATE tasks SET blocked_by = iif((NEW.status = 'COMPLETED' OR EXISTS (SELECT 1 FROM flows WHERE owner = NEW.owner AND id = NEW.flow_id AND on_failure = 'continue')), blocked_by - 1, -2), wake_at = iif(held = 'flow' AND (blocked_by = 1 OR NOT (NEW.status = 'COMPLETED' OR EXISTS (SELECT 1 FROM flows WHERE owner = NEW.owner AND id = NEW.flow_id AND on_failure = 'continue'))), NEW.completed_at, wake_at) WHERE (owner, id) IN (SELECT owner, follower FROM flow_edges WHERE owner = NEW.owner AND before = NEW.id) AND blocked_by > 0 AND completed_at IS NULL; UPDATE tasks SET blocked_by = blocked_by - 1, wake_at = iif(held = 'flow' AND blocked_by = 1, NEW.completed_at, wake_at) WHERE NEW.item IS NOT NULL AND owner = NEW.owner AND flow_id = NEW.flow_id AND node = NEW.node AND item IS NULL AND items IS NOT NULL AND blocked_by > 0 AND completed_at IS NULL; UPDATE flows SET open = open - 1, version = version + 1, updated_at = NEW.completed_at WHERE owner = NEW.owner AND id = NEW.flow_id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_reopen_flow` AFTER UPDATE OF `completed_at` ON `tasks` WHEN NEW.flow_id IS NOT NULL AND NEW.completed_at IS NULL AND OLD.completed_at IS NOT NULL BEGIN UPDATE flows SET status = 'IN_PROGRESS', completed_at = NULL, cancelled_at = NULL WHERE owner = NEW.owner AND id = NEW.flow_id AND completed_at IS NOT NULL; UPDATE flows SET open = open + 1, version = version + 1, updated_at = NEW.updated_at WHERE owner = NEW.owner AND id = NEW.flow_id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_drop_edges` AFTER DELETE ON `tasks` WHEN OLD.flow_id IS NOT NULL BEGIN DELETE FROM flow_edges WHERE owner = OLD.owner AND before = OLD.id; END;
--> statement-breakpoint
CREATE TRIGGER `flows_close` AFTER UPDATE OF `open` ON `flows` WHEN NEW.open = 0 AND OLD.open > 0 BEGIN UPDATE flows SET completed_at = NEW.updated_at, status = coalesce( iif(NEW.cancelled_at IS NOT NULL, 'CANCELLED', NULL), (SELECT 'FAILED' FROM tasks INDEXED BY tasks_by_flow WHERE owner = NEW.owner AND flow_id = NEW.id AND item IS NULL AND status = 'FAILED' AND (NEW.on_failure = 'stop' OR NOT EXISTS (SELECT 1 FROM flow_edges WHERE owner = NEW.owner AND before = tasks.id)) LIMIT 1), (SELECT 'CANCELLED' FROM tasks INDEXED BY tasks_by_flow WHERE owner = NEW.owner AND flow_id = NEW.id AND item IS NULL AND status = 'CANCELLED' AND (NEW.on_failure = 'stop' OR NOT EXISTS (SELECT 1 FROM flow_edges WHERE owner = NEW.owner AND before = tasks.id)) LIMIT 1), 'COMPLETED') WHERE owner = NEW.owner AND id = NEW.id; END;
--> statement-breakpoint
CREATE TRIGGER `flows_owe_callback` AFTER UPDATE OF `completed_at` ON `flows` WHEN NEW.callback_url IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at, subject) VALUES (NEW.owner, NEW.id, NEW.version, 'callback', NEW.status, 0, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000, 'flow'); END;
