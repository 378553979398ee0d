"""The whole catalog, as it stands from the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "destinations",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=True),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destinations")),
        sa.UniqueConstraint("name", name=op.f("uq_destinations_name")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=600), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("until", UTC, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
    )
    op.create_table(
        "batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("step", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("items_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bytes_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("updated_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_batches_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint(
            "tenant_id", "source", "key", "step", name=op.f("uq_batches_tenant_id_source_key_step")
        ),
    )
    op.create_table(
        "blobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_blobs_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blobs")),
        sa.UniqueConstraint("path", name=op.f("uq_blobs_path")),
        sa.UniqueConstraint("tenant_id", "sha256", name=op.f("uq_blobs_tenant_id_sha256")),
    )
    op.create_table(
        "days",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("collection", sa.String(length=200), nullable=False),
        sa.Column("partition_key", sa.String(length=200), nullable=False),
        sa.Column("listed_at", UTC, nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("sealed_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_days_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_days")),
        sa.UniqueConstraint(
            "tenant_id",
            "source",
            "collection",
            "partition_key",
            name=op.f("uq_days_tenant_id_source_collection_partition_key"),
        ),
    )
    op.create_table(
        "deletions",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=False),
        sa.Column("planned_at", UTC, nullable=False),
        sa.Column("tombstoned_at", UTC, nullable=True),
        sa.Column("purged_at", UTC, nullable=True),
        sa.Column("restored_at", UTC, nullable=True),
        sa.CheckConstraint(
            "kind IN ('temporary', 'export', 'original')", name=op.f("ck_deletions_kind")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_deletions_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_deletions_tombstoned_at_purged_at"),
        "deletions",
        ["tombstoned_at", "purged_at"],
        unique=False,
    )
    op.create_table(
        "designs",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("pixel_sha256", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("phash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("dhash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("anchor_image_id", ID, nullable=False),
        sa.Column("display_image_id", ID, nullable=False),
        sa.Column("merged_into_id", sa.String(length=24), nullable=True),
        sa.Column("created_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["designs.id"], name=op.f("fk_designs_merged_into_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_designs_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_designs")),
        sa.UniqueConstraint(
            "tenant_id",
            "scope",
            "pixel_sha256",
            "version",
            name=op.f("uq_designs_tenant_id_scope_pixel_sha256_version"),
        ),
    )
    op.create_table(
        "latest",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("captured_at", UTC, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("hold", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("published_at", UTC, nullable=True),
        sa.CheckConstraint("state IN ('pending', 'published')", name=op.f("ck_latest_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_latest_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_latest")),
        sa.UniqueConstraint(
            "tenant_id", "key", "sequence", name=op.f("uq_latest_tenant_id_key_sequence")
        ),
    )
    op.create_index(
        op.f("ix_latest_tenant_id_sha256"), "latest", ["tenant_id", "sha256"], unique=False
    )
    op.create_table(
        "nas_index",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", UTC, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("pixel_sha256", sa.String(length=64), nullable=True),
        sa.Column("version", sa.String(length=20), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("seen_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_nas_index_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nas_index")),
        sa.UniqueConstraint("tenant_id", "path", name=op.f("uq_nas_index_tenant_id_path")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tokens_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint(
            "tenant_id", "service", "account", name=op.f("uq_tokens_tenant_id_service_account")
        ),
    )
    op.create_table(
        "uploads",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("destination_id", ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("rejected", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("host_id", sa.Text(), nullable=True),
        sa.Column("cid", sa.String(length=120), nullable=True),
        sa.Column("level", sa.String(length=2), nullable=True),
        sa.Column("verified_at", UTC, nullable=True),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("lease_until", UTC, nullable=True),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.CheckConstraint(
            "state != 'sending' OR lease_until IS NOT NULL", name=op.f("ck_uploads_sending_leased")
        ),
        sa.CheckConstraint(
            "state IN ('intent', 'sending', 'receipt', 'verified', 'in_doubt', 'failed', 'removed')",
            name=op.f("ck_uploads_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('receipt', 'verified') OR url IS NOT NULL",
            name=op.f("ck_uploads_proven"),
        ),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_uploads_destination_id_destinations"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_uploads_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint(
            "tenant_id",
            "sha256",
            "destination_id",
            name=op.f("uq_uploads_tenant_id_sha256_destination_id"),
        ),
    )
    op.create_index(
        op.f("ix_uploads_destination_id_host_id"),
        "uploads",
        ["destination_id", "host_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_uploads_destination_id_state"),
        "uploads",
        ["destination_id", "state"],
        unique=False,
    )
    op.create_table(
        "verdicts",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("pixel_a", sa.String(length=64), nullable=False),
        sa.Column("pixel_b", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("decided_at", UTC, nullable=False),
        sa.CheckConstraint("verdict IN ('same', 'different')", name=op.f("ck_verdicts_verdict")),
        sa.CheckConstraint("pixel_a < pixel_b", name=op.f("ck_verdicts_ordered")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_verdicts_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sa.UniqueConstraint(
            "tenant_id",
            "scope",
            "pixel_a",
            "pixel_b",
            name=op.f("uq_verdicts_tenant_id_scope_pixel_a_pixel_b"),
        ),
    )
    op.create_table(
        "attempts",
        sa.Column("id", ID, nullable=False),
        sa.Column("upload_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UTC, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("error", WORDS, nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_attempts_upload_id_uploads")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("upload_id", "number", name=op.f("uq_attempts_upload_id_number")),
    )
    op.create_table(
        "bands",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("design_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["design_id"], ["designs.id"], name=op.f("fk_bands_design_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_bands_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "scope", "version", "band", "value", "design_id", name=op.f("pk_bands")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "exports",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("design_id", sa.String(length=24), nullable=False),
        sa.Column("recipe", sa.String(length=100), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "state != 'live' OR blob_id IS NOT NULL", name=op.f("ck_exports_live_has_blob")
        ),
        sa.CheckConstraint("state IN ('live', 'expired')", name=op.f("ck_exports_state")),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_exports_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["design_id"], ["designs.id"], name=op.f("fk_exports_design_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_exports_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint(
            "design_id", "recipe", "format", name=op.f("uq_exports_design_id_recipe_format")
        ),
    )
    op.create_index(op.f("ix_exports_blob_id"), "exports", ["blob_id"], unique=False)
    op.create_table(
        "images",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("collection", sa.String(length=200), nullable=False),
        sa.Column("partition_key", sa.String(length=200), nullable=False),
        sa.Column("item_key", WORDS, nullable=False),
        sa.Column("captured_at", UTC, nullable=True),
        sa.Column("received_at", UTC, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("variant", sa.String(length=20), server_default="full", nullable=False),
        sa.Column("stale", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("conflict", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("original_name", WORDS, nullable=False),
        sa.Column("origin", WORDS, nullable=True),
        sa.Column("exif", sa.JSON(), nullable=False),
        sa.Column("pixel_sha256", sa.String(length=64), nullable=True),
        sa.Column("design_id", sa.String(length=24), nullable=True),
        sa.Column("former_design_id", sa.String(length=24), nullable=True),
        sa.Column("quarantine", sa.Text(), nullable=True),
        sa.Column("absent_since", UTC, nullable=True),
        sa.Column("pinned", sa.Boolean(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state != 'stored' OR (blob_id IS NOT NULL AND sha256 IS NOT NULL)",
            name=op.f("ck_images_stored_has_blob"),
        ),
        sa.CheckConstraint(
            "state IN ('stored', 'rejected', 'missing', 'gone', 'expired')",
            name=op.f("ck_images_state"),
        ),
        sa.CheckConstraint("variant IN ('full', 'thumbnail')", name=op.f("ck_images_variant")),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_images_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["design_id"], ["designs.id"], name=op.f("fk_images_design_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["former_design_id"], ["designs.id"], name=op.f("fk_images_former_design_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_images_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint(
            "tenant_id",
            "source",
            "collection",
            "item_key",
            name=op.f("uq_images_tenant_id_source_collection_item_key"),
        ),
    )
    op.create_index(op.f("ix_images_blob_id"), "images", ["blob_id"], unique=False)
    op.create_index(op.f("ix_images_design_id"), "images", ["design_id"], unique=False)
    op.create_index(
        op.f("ix_images_tenant_id_pixel_sha256"),
        "images",
        ["tenant_id", "pixel_sha256"],
        unique=False,
    )
    op.create_index(
        op.f("ix_images_tenant_id_source_collection_captured_at"),
        "images",
        ["tenant_id", "source", "collection", "captured_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_images_tenant_id_source_collection_partition_key"),
        "images",
        ["tenant_id", "source", "collection", "partition_key"],
        unique=False,
    )
    op.create_index(
        "uq_images_fresh",
        "images",
        ["blob_id", "source"],
        unique=True,
        sqlite_where=sa.text("state = 'stored' AND NOT stale"),
        postgresql_where=sa.text("state = 'stored' AND NOT stale"),
    )
    op.create_table(
        "listings",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("shop", sa.String(length=200), nullable=False),
        sa.Column("design_id", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("lease_until", UTC, nullable=True),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["design_id"], ["designs.id"], name=op.f("fk_listings_design_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_listings_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint(
            "tenant_id", "shop", "design_id", name=op.f("uq_listings_tenant_id_shop_design_id")
        ),
    )
    op.create_table(
        "mockups",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("design_id", sa.String(length=24), nullable=False),
        sa.Column("template", sa.String(length=200), nullable=False),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("nas_path", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_mockups_blob_id_blobs")),
        sa.ForeignKeyConstraint(
            ["design_id"], ["designs.id"], name=op.f("fk_mockups_design_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mockups_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mockups")),
        sa.UniqueConstraint("design_id", "template", name=op.f("uq_mockups_design_id_template")),
    )
    op.create_table(
        "requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("aspect_ratio", sa.String(length=10), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("base_blob_id", ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["base_blob_id"], ["blobs.id"], name=op.f("fk_requests_base_blob_id_blobs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_requests_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_requests_tenant_id_key")),
    )


def downgrade() -> None:
    op.drop_table("requests")
    op.drop_table("mockups")
    op.drop_table("listings")
    op.drop_table("images")
    op.drop_table("exports")
    op.drop_table("bands")
    op.drop_table("attempts")
    op.drop_table("verdicts")
    op.drop_table("uploads")
    op.drop_table("tokens")
    op.drop_table("nas_index")
    op.drop_table("latest")
    op.drop_table("designs")
    op.drop_table("deletions")
    op.drop_table("days")
    op.drop_table("blobs")
    op.drop_table("batches")
    op.drop_table("tenants")
    op.drop_table("leases")
    op.drop_table("destinations")
