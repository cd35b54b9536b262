CREATE TABLE `task_types` (
	`owner` text NOT NULL,
	`name` text NOT NULL,
	`definition` text NOT NULL,
	`paused_until` integer,
	`secret_version` integer DEFAULT 0 NOT NULL,
	`secret_rotated_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`created_by_key` text,
	PRIMARY KEY(`owner`, `name`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
DROP INDEX `tasks_due`;--> statement-breakpoint
CREATE INDEX `tasks_for_workers` ON `tasks` (`owner`,`type`,`priority`,`id`) WHERE held = 'worker';--> statement-breakpoint
CREATE INDEX `tasks_due` ON `tasks` (`held`,`queue`,`wake_at`) WHERE wake_at IS NOT NULL OR held = 'queue';--> statement-breakpoint
DROP TRIGGER `tasks_keep_lease`;
--> statement-breakpoint
CREATE TRIGGER `tasks_keep_lease` BEFORE UPDATE OF `rescues` ON `tasks` WHEN NEW.rescues > OLD.rescues AND OLD.held IS NOT 'lease' AND NEW.updated_at < OLD.started_at + min(OLD.timeout_ms + 10000, 60000) BEGIN SELECT RAISE(IGNORE); END;
