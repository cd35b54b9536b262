CREATE TABLE `queues` (
	`name` text PRIMARY KEY NOT NULL,
	`paused_at` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `tasks` (
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
	`wake_at` integer,
	`submitted_at` integer NOT NULL,
	`scheduled_at` integer,
	`started_at` integer,
	`completed_at` integer,
	`updated_at` integer NOT NULL,
	`alias` text,
	`request_id` text,
	`reused_from` text,
	`callback_url` text,
	`idempotency_key` text,
	`fingerprint` text,
	`progress` text,
	`tags` text DEFAULT '[]' NOT NULL,
	`title` text,
	`description` text,
	`params` text NOT NULL,
	`attempts` text DEFAULT '[]' NOT NULL,
	`result` text,
	PRIMARY KEY(`owner`, `id`),
	CONSTRAINT "status_known" CHECK(status IN ('NEW', 'PENDING', 'IN_PROGRESS', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED')),
	CONSTRAINT "completed_at_in_final" CHECK((completed_at IS NOT NULL) = (status IN ('COMPLETED', 'FAILED', 'CANCELLED'))),
	CONSTRAINT "lease_in_progress" CHECK(status <> 'IN_PROGRESS' OR wake_at IS NOT NULL),
	CONSTRAINT "nothing_owed" CHECK(status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED', 'PAUSED') OR wake_at IS NULL),
	CONSTRAINT "result_in_completed" CHECK((result IS NOT NULL) = (status = 'COMPLETED')),
	CONSTRAINT "attempts_bounded" CHECK(attempt <= max_attempts + rescues),
	CONSTRAINT "rescues_bounded" CHECK(rescues BETWEEN 0 AND 3)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `tasks_due` ON `tasks` (`status`,`wake_at`,`queue`) WHERE wake_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_parked` ON `tasks` (`queue`,`id`) WHERE status = 'PENDING' AND wake_at IS NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_status` ON `tasks` (`owner`,`status`,`id`) WHERE status <> 'COMPLETED';--> statement-breakpoint
CREATE INDEX `tasks_by_type` ON `tasks` (`owner`,`type`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_idempotency` ON `tasks` (`owner`,`idempotency_key`) WHERE idempotency_key IS NOT NULL;