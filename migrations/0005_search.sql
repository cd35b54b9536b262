CREATE TABLE `muted_errors` (
	`owner` text NOT NULL,
	`fingerprint` text NOT NULL,
	`muted_at` integer NOT NULL,
	PRIMARY KEY(`owner`, `fingerprint`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `search_index` (
	`owner` text NOT NULL,
	`value` text NOT NULL,
	`task_id` text NOT NULL,
	PRIMARY KEY(`owner`, `value`, `task_id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `sessions` (
	`hash` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `sessions_by_end` ON `sessions` (`expires_at`);
--> statement-breakpoint
ALTER TABLE `tasks` ADD `identifiers` text;
--> statement-breakpoint
ALTER TABLE `queues` ADD `paused_by` text;
--> statement-breakpoint
CREATE TRIGGER `tasks_index` AFTER INSERT ON `tasks` WHEN NEW.identifiers IS NOT NULL BEGIN INSERT OR IGNORE INTO search_index (owner, value, task_id) SELECT NEW.owner, identifiers.value, NEW.id FROM json_each(NEW.identifiers) AS identifiers; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_unindex` AFTER DELETE ON `tasks` WHEN OLD.identifiers IS NOT NULL BEGIN DELETE FROM search_index WHERE owner = OLD.owner AND task_id = OLD.id AND value IN (SELECT value FROM json_each(OLD.identifiers)); END;
