CREATE TABLE `deliveries` (
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
	FOREIGN KEY (`owner`,`task_id`) REFERENCES `tasks`(`owner`,`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "open_is_watched" CHECK((state = 'OPEN') = (wake_at IS NOT NULL) AND (state = 'OPEN') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`wake_at`) WHERE wake_at IS NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `failure_sinks` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `reuse_key` text;--> statement-breakpoint
CREATE INDEX `tasks_reusable` ON `tasks` (`owner`,`reuse_key`,`completed_at`) WHERE reuse_key IS NOT NULL AND status = 'COMPLETED';--> statement-breakpoint
CREATE TRIGGER `tasks_owe_callback` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.callback_url IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) VALUES (NEW.owner, NEW.id, NEW.version, 'callback', NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_failure` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.failure_sinks IS NOT NULL AND NEW.status = 'FAILED' AND OLD.status <> 'FAILED' BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) SELECT NEW.owner, NEW.id, NEW.version, sinks.value, NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000 FROM json_each(NEW.failure_sinks) AS sinks; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_owe_at_once` AFTER INSERT ON `tasks` WHEN NEW.callback_url IS NOT NULL AND NEW.completed_at IS NOT NULL BEGIN INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at) VALUES (NEW.owner, NEW.id, NEW.version, 'callback', NEW.status, NEW.attempt, 'OPEN', NEW.completed_at, NEW.completed_at, NEW.completed_at + 5000); END;
