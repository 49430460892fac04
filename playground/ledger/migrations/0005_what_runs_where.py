from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_what_libraries_take")]

    operations = [
        migrations.AddField("job", "memory", models.PositiveBigIntegerField(blank=True, null=True)),
        migrations.AddField("worker", "devices", models.JSONField(default=list)),
    ]
