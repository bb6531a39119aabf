-- What the releases' own example data leaves out, so that ordinary users can have images, folders and sessions.
UPDATE images SET architecture = 'x86_64' WHERE architecture = 'amd64';  -- the scan of 23.09 leaves Docker's name
UPDATE domains SET allowed_vfolder_hosts = '{"local:volume1": $permissions}', allowed_docker_registries = '{local,index.docker.io}';
UPDATE groups SET allowed_vfolder_hosts = '{"local:volume1": $permissions}';
UPDATE keypair_resource_policies
   SET allowed_vfolder_hosts = '{"local:volume1": $permissions}', max_concurrent_sessions = 1000,
       max_containers_per_session = 8;
