ALTER TABLE `tasks` ADD `rerun_of` text;--> statement-breakpoint
CREATE INDEX `tasks_reruns` ON `tasks` (`owner`,`rerun_of`) WHERE rerun_of IS NOT NULL;