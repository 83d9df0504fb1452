#include <algorithm>
#include <array>
#include <stt/value.hpp>

#include "stc/cke.hpp"
#include "stc/context.hpp"
#include "stc/dsf.hpp"
#include "stc/dsf_backend.hpp"
#include "stc/pcf.hpp"
#include "stc/permutation/backend.hpp"
#include "stc/phe.hpp"
#include "stc/turboshake.hpp"
#include "tests/vectors/sponge.hpp"
#include "tests/vectors/vector_files.hpp"

namespace stt::vectors {
namespace {

// Jobs in one batch: more than the widest kernel takes, and no multiple of any.
constexpr std::size_t batch_count = stc::width_max + 3;

template <class Check>
void for_each_kernel(const Check& check) {
    for (const stc::Backend& backend : stc::available_backends()) {
        for (std::size_t i = 0; i < backend.kernel_count; ++i) {
            check(*backend.kernels[i], std::string(" on ") + backend.name);
        }
    }
}

ByteVector context_of(const Entry& entry) {
    return encode(value_of(entry.at("context")));
}

stc::Key key_of(const Entry& entry, const std::string& name) {
    return stc::Key(entry.fixed<32>(name));
}

void run_permutation(const Entry& entry, Tally& tally) {
    const ByteVector in = entry.bytes("in");
    const ByteVector out = entry.bytes("out");
    tally.check(in.size() == stc::lattice_size && out.size() == stc::lattice_size, "sizes");
    for_each_kernel([&](const stc::Kernel& kernel, const std::string& where) {
        tally.check(permuted_on(kernel, in) == out, "permuted differently" + where);
    });
}

void run_turboshake(const Entry& entry, Tally& tally) {
    const ByteVector message = entry.bytes("message");
    const auto domain = static_cast<std::uint8_t>(entry.number("domain"));
    const ByteVector expected = entry.bytes("output");
    ByteVector output(expected.size());
    stc::turboshake128(message, domain, output);
    tally.check(output == expected, "output");

    stc::TurboShake128 sponge;
    for (const std::uint8_t byte : message) sponge.absorb(Bytes(&byte, 1));
    sponge.finish(domain);
    for (std::uint8_t& byte : output) sponge.squeeze(MutableBytes(&byte, 1));
    tally.check(output == expected, "output, byte by byte");
    for_each_kernel([&](const stc::Kernel& kernel, const std::string& where) {
        tally.check(turboshake128_on(kernel, message, domain, expected.size()) == expected,
                    "output" + where);
    });
}

void run_kt128(const Entry& entry, Tally& tally) {
    ByteVector message(static_cast<std::size_t>(entry.number("pattern_length")));
    for (std::size_t i = 0; i < message.size(); ++i) {
        message[i] = static_cast<std::uint8_t>(i % 0xfb);
    }
    const ByteVector expected = entry.bytes("output");
    ByteVector output(expected.size());
    stc::kt128(message, {}, output);
    tally.check(output == expected, "output");
    if (expected.size() != 32) return;
    stc::ContentDigest digest;
    for (std::size_t i = 0; i < message.size(); i += 1000) {
        digest.update(Bytes(message).subspan(i, std::min<std::size_t>(1000, message.size() - i)));
    }
    tally.check(is_equal(digest.finish(), expected), "ContentDigest, in pieces");
}

// stc Notation (a)(c), stc PHE (a): contexts go in as their canonical encoding.
void run_digest(const Entry& entry, Tally& tally) {
    const ByteVector data = entry.bytes("data");
    const ByteVector context = context_of(entry);
    const ByteVector expected = entry.bytes("output");
    ByteVector output(expected.size());
    stc::digest(data, context, output);
    tally.check(output == expected, "output");
    stc::Digest pieces(context);
    for (const std::uint8_t& byte : data) pieces.update(Bytes(&byte, 1));
    pieces.finish(output);
    tally.check(output == expected, "output, byte by byte");
    if (value_of(entry.at("context")).dict()->empty()) {
        stc::digest(data, {}, output);
        tally.check(output == expected, "an absent context is the empty dict");
    }
}

void run_keyed_digest(const Entry& entry, Tally& tally) {
    const ByteVector key = entry.bytes("key");
    const ByteVector data = entry.bytes("data");
    const ByteVector context = context_of(entry);
    const ByteVector expected = entry.bytes("output");
    ByteVector output(expected.size());
    stc::keyed_digest(key, data, context, output);
    tally.check(output == expected, "output");
    stc::KeyedDigest pieces(key, context);
    for (const std::uint8_t& byte : data) pieces.update(Bytes(&byte, 1));
    pieces.finish(output);
    tally.check(output == expected, "output, byte by byte");
}

void run_derive(const Entry& entry, Tally& tally) {
    const ByteVector expected = entry.bytes("output");
    tally.check(entry.number("length") == expected.size(), "length");
    ByteVector output(expected.size());
    stc::DerivationKey(entry.bytes("key")).derive(context_of(entry), output);
    tally.check(output == expected, "output");
}

// The data and tags of as many equal jobs as a batch has.
struct FoldBatch {
    std::vector<ByteVector> data;
    std::vector<ByteVector> tags;
};

void check_fold(const stc::Backend& backend, const Entry& entry, const stc::FoldKey& key,
                std::size_t count, Tally& tally) {
    const ByteVector ad = entry.bytes("ad");
    const ByteVector plain = entry.bytes("plain");
    const ByteVector cipher = entry.bytes("cipher");
    const ByteVector tag = entry.bytes("tag");
    const std::string where =
        std::string(" on ") + backend.name + ", " + std::to_string(count) + " at once";

    FoldBatch folded{std::vector(count, plain), std::vector(count, ByteVector(tag.size()))};
    std::vector<stc::FoldJob> fold_jobs(count);
    for (std::size_t i = 0; i < count; ++i) {
        // The associated data may be cut anywhere.
        const std::size_t cut = i % (ad.size() + 1);
        fold_jobs[i] = {
            &key, {Bytes(ad).first(cut), Bytes(ad).subspan(cut)}, folded.data[i], folded.tags[i]};
    }
    stc::fold_many(backend, fold_jobs);
    for (std::size_t i = 0; i < count; ++i) {
        tally.check(folded.data[i] == cipher, "ciphertext" + where);
        tally.check(folded.tags[i] == tag, "tag" + where);
    }

    FoldBatch unfolded{std::vector(count, cipher), std::vector(count, tag)};
    std::vector<stc::UnfoldJob> unfold_jobs(count);
    for (std::size_t i = 0; i < count; ++i) {
        // Every second tag is wrong, each in another bit.
        if (i % 2 == 1) {
            unfolded.tags[i][i % tag.size()] ^= static_cast<std::uint8_t>(1u << (i % 8));
        }
        unfold_jobs[i] = {&key, {ad, {}}, unfolded.data[i], unfolded.tags[i], false};
    }
    stc::unfold_many(backend, unfold_jobs);
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_good = i % 2 == 0;
        tally.check(unfold_jobs[i].is_opened == is_good, "opened or not" + where);
        tally.check(unfolded.data[i] == (is_good ? plain : ByteVector(plain.size())),
                    "plaintext" + where);
    }
}

void run_fold(const Entry& entry, Tally& tally) {
    const stc::FoldKey key(key_of(entry, "key"));
    for (const stc::Backend& backend : stc::available_backends()) {
        for (std::size_t count : {std::size_t{1}, std::size_t{2}, batch_count}) {
            check_fold(backend, entry, key, count, tally);
        }
    }
    // Every bit of the tag counts.
    const ByteVector ad = entry.bytes("ad");
    const ByteVector tag = entry.bytes("tag");
    for (std::size_t bit = 0; bit < 8 * tag.size(); ++bit) {
        ByteVector data = entry.bytes("cipher");
        ByteVector wrong = tag;
        wrong[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        stc::UnfoldJob job{&key, {ad, {}}, data, wrong, false};
        tally.check(!stc::unfold(job), "a changed tag opened");
    }
}

void check_chunk(const Entry& entry, const stc::Context& context, const ByteVector& plain,
                 const std::array<std::uint8_t, stc::nonce_size>& nonce, Tally& tally) {
    const Entry chunk(entry.at("chunk"));
    const stc::FoldKey key(context.chunk_key(chunk.fixed<8>("session_id"),
                                             static_cast<std::uint32_t>(chunk.number("stream_id")),
                                             chunk.text("from") == "initiator"));
    const std::uint64_t index = chunk.number("index");
    const ByteVector data = chunk.bytes("data");
    const auto metadata = chunk.fixed<stc::metadata_size>("metadata");
    ByteVector content = plain;
    tally.check(is_equal(stc::encrypt_chunk(key, content, index, data, nonce), metadata),
                "metadata of the chunk");
    tally.check(content == chunk.bytes("encrypted"), "chunk");
    tally.check(stc::decrypt_chunk(key, content, index, data, metadata) && content == plain,
                "decrypt_chunk");
    content = chunk.bytes("encrypted");
    tally.check(!stc::decrypt_chunk(key, content, index + 1, data, metadata),
                "a chunk at another index opened");
    chunk.check_all_read(tally);
}

void run_context(const Entry& entry, Tally& tally) {
    const auto context = stc::Context::create(entry.bytes("seed"));
    if (!context) return tally.check(false, "the seed was refused");
    const ByteVector bound = context_of(entry);
    const ByteVector plain = entry.bytes("data");
    const auto nonce = entry.fixed<stc::nonce_size>("nonce");

    const ByteVector hash = entry.bytes("hash");
    ByteVector output(hash.size());
    context->hash(plain, bound, output);
    tally.check(output == hash, "hash");
    const ByteVector key = entry.bytes("derive_key");
    output.resize(key.size());
    context->derive_key(bound, output);
    tally.check(output == key, "derive_key");
    tally.check(is_equal(context->seed_hint(nonce), entry.bytes("seed_hint")), "seed_hint");

    const auto metadata = entry.fixed<stc::metadata_size>("metadata");
    ByteVector data = plain;
    tally.check(is_equal(context->encrypt(data, bound, nonce), metadata), "metadata");
    tally.check(data == entry.bytes("encrypted"), "encrypt");
    tally.check(context->decrypt(data, bound, metadata) && data == plain, "decrypt");
    data = entry.bytes("encrypted");
    auto wrong = metadata;
    wrong.back() ^= 1;
    tally.check(!context->decrypt(data, bound, wrong), "a changed tag opened");
    check_chunk(entry, *context, plain, nonce, tally);
}

void run_rotate(const Entry& entry, Tally& tally) {
    const stc::Key rotated =
        stc::rotate(key_of(entry, "key"), entry.fixed<32>("nonce"), entry.number("epoch"));
    tally.check(is_equal(rotated.bytes(), entry.bytes("output")), "output");
}

}  // namespace

void run_stc(const Json& file, Tally& tally) {
    run_sections("stc.json", file,
                 {{"permutation", on_object(run_permutation)},
                  {"turboshake128", on_object(run_turboshake)},
                  {"kt128", on_object(run_kt128)},
                  {"digest", on_object(run_digest)},
                  {"keyed_digest", on_object(run_keyed_digest)},
                  {"derive", on_object(run_derive)},
                  {"fold", on_object(run_fold)},
                  {"context", on_object(run_context)},
                  {"rotate", on_object(run_rotate)}},
                 tally);
}

}  // namespace stt::vectors
