CREATE TABLE `schedules` (
	`owner` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`cron` text,
	`timezone` text NOT NULL,
	`every_ms` integer,
	`overlap` text NOT NULL,
	`catch_up` text NOT NULL,
	`catch_up_window_ms` integer NOT NULL,
	`next_at` integer,
	`queued_at` integer,
	`wake_at` integer,
	`last_at` integer,
	`paused_at` integer,
	`fired` integer DEFAULT 0 NOT NULL,
	`skipped` integer DEFAULT 0 NOT NULL,
	`refused` integer DEFAULT 0 NOT NULL,
	`last_skipped_at` integer,
	`missed_from` integer,
	`missed_until` integer,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`created_by_key` text,
	`last_error` text,
	`task` text NOT NULL,
	PRIMARY KEY(`owner`, `id`),
	CONSTRAINT "overlap_known" CHECK(overlap IN ('allow', 'skip', 'cancel_previous', 'queue_one')),
	CONSTRAINT "catch_up_known" CHECK(catch_up IN ('none', 'latest', 'all')),
	CONSTRAINT "one_recurrence" CHECK((cron IS NULL) <> (every_ms IS NULL)),
	CONSTRAINT "paused_waits_for_nothing" CHECK(paused_at IS NULL OR (next_at IS NULL AND queued_at IS NULL)),
	CONSTRAINT "next_is_watched" CHECK((next_at IS NULL) = (wake_at IS NULL))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `schedules_by_name` ON `schedules` (`owner`,`name`);--> statement-breakpoint
CREATE INDEX `schedules_due` ON `schedules` (`wake_at`) WHERE wake_at IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER `tasks_wake_schedule` AFTER UPDATE OF `status` ON `tasks` WHEN NEW.idempotency_key >= 'schedule:' AND NEW.idempotency_key < 'schedule;' AND NEW.status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND OLD.status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') BEGIN UPDATE schedules SET wake_at = NEW.completed_at WHERE owner = NEW.owner AND id = NEW.parent_id AND queued_at IS NOT NULL AND wake_at > NEW.completed_at; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_note_moment` AFTER INSERT ON `tasks` WHEN NEW.idempotency_key >= 'schedule:' AND NEW.idempotency_key < 'schedule;' AND substr(NEW.idempotency_key, 47) GLOB '[0-9]*' BEGIN UPDATE schedules SET last_at = max(coalesce(last_at, 0), CAST(substr(NEW.idempotency_key, 47) AS INTEGER)), queued_at = nullif(queued_at, CAST(substr(NEW.idempotency_key, 47) AS INTEGER)) WHERE owner = NEW.owner AND id = NEW.parent_id; END;
