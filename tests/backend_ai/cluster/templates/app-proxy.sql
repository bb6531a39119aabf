UPDATE scaling_groups SET wsproxy_addr = '$coordinator_url', wsproxy_api_token = '$app_proxy_secret'
 WHERE name = 'default';
-- The example data puts the runtime variants where only administrators read: without this every other user's
-- POST /services answers 400 "Cannot resolve the given runtime_variant key". Before 26.9 nobody asks who reads them.
DO $$$$ BEGIN
IF to_regclass('entity_memberships') IS NOT NULL THEN
  INSERT INTO entity_memberships (virtual_entity_id, member_entity_id)
  SELECT public.id, variant.id
    FROM virtual_entities public
    JOIN global_entities ON global_entities.id = public.entity_id AND global_entities.name = 'public',
         virtual_entities variant
   WHERE public.entity_type = 'global' AND variant.entity_type IN ('runtime_variant', 'runtime_variant_preset')
      ON CONFLICT DO NOTHING;
END IF;
END $$$$;
