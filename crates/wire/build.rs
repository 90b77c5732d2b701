//! Compiles the schema to Rust with `protox`, so that no `protoc` has to be installed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto/mesibo.proto");
    let schema = protox::compile(["mesibo.proto"], ["proto"])?;
    prost_build::Config::new()
        .btree_map(["."])
        .bytes([".mesibo.v1.Content.body", ".mesibo.v1.File.thumbnail"])
        .compile_fds(schema)?;
    Ok(())
}
